# A walk's cursor not moved by remove
# file: walk_cancel.c
# caught by: basic remove_moves_the_cursor
s/^		if (walk->cursor == sub)/		if (0)/
