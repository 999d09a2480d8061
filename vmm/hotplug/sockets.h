#ifndef VMM_HOTPLUG_SOCKETS_H
#define VMM_HOTPLUG_SOCKETS_H
/* sockets: which sockets a VM has, what they are called, and which vCPUs a request means.
 * Asks the slots and changes none. Main only.
 *
 * A socket is there when any of its vCPUs is: a guest may eject one CPU of several. */

#include <stdbool.h>
#include <stdint.h>

#include "devices/cpuhp.h"
#include "vmm/hotplug/units.h"

#define SOCKETS_ID_LEN 64 /* bytes of a socket's id, with the final 0 */

struct sockets {
	const struct topology *topo;
	struct cpuhp *cpuhp;
	char (*id)[SOCKETS_ID_LEN]; /* by socket: what device_add called it, or "" */
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

/* Whether this is a name as QEMU has them: a letter, then letters, digits, '-', '.' and
 * '_'. */
bool sockets_id_is_well_formed(const char *id);

/* Whether the socket may be called so: no other one is, or would be without a name. */
bool sockets_may_name(const struct sockets *s, uint32_t socket, const char *id);

/* Gives the socket a name, shorter than SOCKETS_ID_LEN. It stays when the socket goes, as
 * that may come back by itself. */
void sockets_set_id(struct sockets *s, uint32_t socket, const char *id);

/* Takes the names of the sockets of these vCPUs away. */
void sockets_forget_ids(struct sockets *s, const struct units *cpus);

/* vCPUs: all of one socket; of the lowest n sockets that are not there; of the highest n
 * that are. */
struct units sockets_cpus(const struct sockets *s, uint32_t socket);
struct units sockets_lowest_absent(const struct sockets *s, uint32_t n);
struct units sockets_highest(const struct sockets *s, uint32_t n);

/* Those that a socket which is there lacks. */
struct units sockets_lacking(const struct sockets *s);

/* Those that are plugged, and the guest does not run them yet. */
struct units sockets_unfinished(const struct sockets *s);

/* Sockets: those of these vCPUs that are not there. */
struct units sockets_gone(const struct sockets *s, const struct units *cpus);

#endif
