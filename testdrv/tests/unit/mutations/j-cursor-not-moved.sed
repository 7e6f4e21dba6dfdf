# A walk's cursor not moved by remove
# file: walk_cancel.c
s/^		if (walk->cursor == sub)/		if (0)/
