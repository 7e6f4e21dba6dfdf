# A walk's cursor not moved by remove
# file: walk.c
s/^		if (walk->cursor == sub)/		if (0)/
