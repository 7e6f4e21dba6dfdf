# A batch of none but newer subscriptions is called
# file: walk.c
# caught by: basic walk_skips_any_number
s/likely(walk->plain \&\& walk->nr)/likely(walk->plain)/
