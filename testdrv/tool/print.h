/* SPDX-License-Identifier: MIT */
/* Output of JSON and text */
#ifndef PRINT_H
#define PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Print @json and drop the reference; NULL: report no memory. Returns an exit status. */
int print_json(json_t *json);
/* As print_json(), on one line, for a stream of values */
int print_json_line(json_t *json);

/* Return a JSON array with the names of the bits. */
json_t *print_events_to_json(uint32_t events);
json_t *print_causes_to_json(uint64_t causes);

/* Standard output is a terminal with colours, and NO_COLOR is not set. */
bool print_wants_colour(void);

/*
 * Return a JSON string of at most @size bytes that another process chose. JSON is UTF-8:
 * a byte that is not part of UTF-8 becomes the character with the number of the byte.
 */
json_t *print_text_to_json(const char *text, size_t size);

/*
 * Replace bytes that are not printable ASCII by question marks, for a terminal, which
 * names that another process chose could otherwise control.
 */
void print_clean(char *text, size_t size);

/* Print @text for a terminal, with bytes that are not printable ASCII in octal: \303. */
void print_escaped(const char *text);

#endif /* PRINT_H */
