#ifndef TOOLS_CTL_VM_H
#define TOOLS_CTL_VM_H
/* ctl_vm: the VM and its events as tables, as kubectl prints such. */

#include <jansson.h>
#include <time.h>

/* The answers to query-vm and query-events; now is what ages are counted from. */
void vm_table(const json_t *vm, time_t now);
void events_table(const json_t *list, time_t now);

/* Text of several lines. */
void show_lines(const char *text);

#endif
