#ifndef TOOLS_CTL_SHOW_H
#define TOOLS_CTL_SHOW_H
/* ctl_show: what people read. No byte of the peer's text reaches the terminal but
 * printable ASCII; members that are missing or of another type show as empty or 0. */

#include <jansson.h>

/* The string member key of object, made printable; valid for the next dozen calls. */
const char *show_text(const json_t *object, const char *key);
json_int_t show_number(const json_t *object, const char *key);

/* One JSON document on one line, ASCII only. */
void show_json(const json_t *document);
/* On many, for people. */
void show_json_pretty(const json_t *document);

void show_patched(const json_t *answer);  /* patched, and what a restart takes up */
void show_resize(const json_t *job);      /* resize: sockets 2 -> 4, job 3 */
void show_phase(const json_t *progress);  /* one line of the table below it */
void show_done(const json_t *completed);  /* done: 4 of 8 sockets, ... */
void show_trace(const json_t *completed); /* each step of an add, and how long it took */
void show_event(const json_t *event);     /* one line */
void show_status(const json_t *vm, const json_t *topology, const json_t *vcpus);

#endif
