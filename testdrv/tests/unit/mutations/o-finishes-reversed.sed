# Second passes in the reverse order
# file: walk.c
# caught by: basic finishes_in_order_after_all_firsts
s/^	\*(walk->finish ? walk->finish_tail : &walk->finish) = &finish->link;/	finish->link.next = walk->finish;/
s/^	walk->finish_tail = &finish->link.next;/	walk->finish = \&finish->link;/
