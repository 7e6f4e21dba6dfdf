/* SPDX-License-Identifier: MIT */
/* The description and the ABI's header, as they were when this was built. */
#ifndef TEXT_H
#define TEXT_H

extern const char text_description[];
extern const char text_header[];

#endif /* TEXT_H */
