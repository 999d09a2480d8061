#ifndef VMM_HOTPLUG_SOCKETS_H
#define VMM_HOTPLUG_SOCKETS_H
/* sockets: which sockets a VM has, what they are called, and which vCPUs a request means.
 * Asks the slots and changes none. Main only.
 *
 * A socket is there when any of its vCPUs is: a guest may eject one CPU of several. */

#include <stdbool.h>
#include <stdint.h>

#include "devices/cpuhp.h"

#define SOCKETS_ID_LEN 64 /* bytes of a socket's id, with the final 0 */

struct sockets {
	const struct topology *topo;
	struct cpuhp *cpuhp;
	char **id; /* by socket: the name that device_add gave it, or NULL */
};

/* 0 or -ENOMEM. */
int sockets_init(struct sockets *s, struct cpuhp *cpuhp);
void sockets_destroy(struct sockets *s);

uint32_t sockets_count(const struct sockets *s);

/* How many of them the guest has taken: it has each of their vCPUs that is there. */
uint32_t sockets_taken(const struct sockets *s);
bool sockets_has(const struct sockets *s, uint32_t socket);

/* Its id: what device_add called it, else "socket-N". */
void sockets_id(const struct sockets *s, uint32_t socket, char out[SOCKETS_ID_LEN]);

/* The socket that is there by this name, or -1. */
int64_t sockets_find(const struct sockets *s, const char *id);

/* Whether the socket may be called so: no other one is, or would be without a name. */
bool sockets_may_name(const struct sockets *s, uint32_t socket, const char *id);

/* Gives the socket a name, of which it keeps a copy. It stays when the socket goes, as
 * that may come back by itself. 0 or -ENOMEM. */
int sockets_set_id(struct sockets *s, uint32_t socket, const char *id);

/* Takes the names of the sockets of these n vCPUs away. */
void sockets_forget_ids(struct sockets *s, const uint32_t *cpu, uint32_t n);

/* Each of these writes indexes of vCPUs, ascending, to cpu, which has room for all, and
 * returns how many. */

/* All of one socket. */
uint32_t sockets_cpus(const struct sockets *s, uint32_t socket, uint32_t *cpu);
/* Of the lowest n sockets that are not there. */
uint32_t sockets_lowest_absent(const struct sockets *s, uint32_t n, uint32_t *cpu);
/* Of the highest n sockets that are there. */
uint32_t sockets_highest(const struct sockets *s, uint32_t n, uint32_t *cpu);
/* How many of the sockets of these n vCPUs, ascending, are not there. */
uint32_t sockets_gone(const struct sockets *s, const uint32_t *cpu, uint32_t n);
/* Those that a socket which is there lacks. */
uint32_t sockets_lacking(const struct sockets *s, uint32_t *cpu);
/* Those that are plugged, and the guest does not run them yet. */
uint32_t sockets_unfinished(const struct sockets *s, uint32_t *cpu);

#endif
