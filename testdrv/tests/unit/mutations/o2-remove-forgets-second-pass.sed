# remove does not wait for a second pass to come
# file: walk.c
/^static bool walks_hold/,/^}/s/^		for (link = walk->finish; link; /		for (link = NULL; link; /
