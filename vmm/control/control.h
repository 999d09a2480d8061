#ifndef VMM_CONTROL_CONTROL_H
#define VMM_CONTROL_CONTROL_H
/* control: what this room looks at and acts on. vmm/program.c makes it; nothing here
 * changes it, and all of it lives as long as it is used. Main only. */

struct amender;
struct machine;
struct qmp_server;
struct record;
struct spec;
struct writer;

struct control {
	struct machine *machine;
	struct spec *spec; /* the machine's; a patch changes what is stored */
	struct record *record;
	struct qmp_server *qmp; /* NULL: there is no control socket, or not yet */
	struct amender *amender;
	struct writer *writer; /* NULL: there is no file that is written */
};

#endif
