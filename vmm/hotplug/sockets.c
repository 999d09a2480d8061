#include "vmm/hotplug/sockets.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sockets_init(struct sockets *s, struct cpuhp *cpuhp)
{
	*s = (struct sockets){ .topo = cpuhp->topo, .cpuhp = cpuhp };
	s->id = calloc(s->topo->max_sockets, sizeof(*s->id));
	return s->id != NULL ? 0 : -ENOMEM;
}

void sockets_destroy(struct sockets *s)
{
	free(s->id);
	s->id = NULL;
}

static bool present(const struct sockets *s, uint32_t cpu)
{
	return cpuhp_slot_state(s->cpuhp, cpu) != SLOT_ABSENT;
}

bool sockets_has(const struct sockets *s, uint32_t socket)
{
	uint32_t first = socket * s->topo->per_socket;

	for (uint32_t i = 0; i < s->topo->per_socket; i++)
		if (present(s, first + i))
			return true;
	return false;
}

uint32_t sockets_count(const struct sockets *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->topo->max_sockets; i++)
		n += sockets_has(s, i);
	return n;
}

static void name_of_none(uint32_t socket, char out[SOCKETS_ID_LEN])
{
	(void)snprintf(out, SOCKETS_ID_LEN, "socket-%" PRIu32, socket);
}

void sockets_id(const struct sockets *s, uint32_t socket, char out[SOCKETS_ID_LEN])
{
	if (s->id[socket][0] != '\0')
		(void)snprintf(out, SOCKETS_ID_LEN, "%s", s->id[socket]);
	else
		name_of_none(socket, out);
}

int64_t sockets_find(const struct sockets *s, const char *id)
{
	char name[SOCKETS_ID_LEN];

	for (uint32_t i = 0; i < s->topo->max_sockets; i++) {
		if (!sockets_has(s, i))
			continue;
		sockets_id(s, i, name);
		if (strcmp(name, id) == 0)
			return i;
	}
	return -1;
}

bool sockets_id_is_well_formed(const char *id)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-._";

	return id[0] != '\0' && strchr(letters, id[0]) != NULL &&
	       id[strspn(id, more)] == '\0';
}

bool sockets_may_name(const struct sockets *s, uint32_t socket, const char *id)
{
	char name[SOCKETS_ID_LEN];

	if (sockets_find(s, id) >= 0)
		return false;
	for (uint32_t i = 0; i < s->topo->max_sockets; i++) {
		name_of_none(i, name);
		if (i != socket && strcmp(name, id) == 0)
			return false;
	}
	return true;
}

void sockets_set_id(struct sockets *s, uint32_t socket, const char *id)
{
	(void)snprintf(s->id[socket], SOCKETS_ID_LEN, "%s", id);
}

void sockets_forget_ids(struct sockets *s, const struct units *cpus)
{
	UNITS_EACH (cpu, cpus)
		s->id[cpu / s->topo->per_socket][0] = '\0';
}

static void put_socket(const struct sockets *s, uint32_t socket, struct units *cpus)
{
	for (uint32_t i = 0; i < s->topo->per_socket; i++)
		units_put(cpus, socket * s->topo->per_socket + i);
}

struct units sockets_cpus(const struct sockets *s, uint32_t socket)
{
	struct units cpus = { 0 };

	put_socket(s, socket, &cpus);
	return cpus;
}

struct units sockets_lowest_absent(const struct sockets *s, uint32_t n)
{
	struct units cpus = { 0 };

	for (uint32_t i = 0; n > 0 && i < s->topo->max_sockets; i++) {
		if (sockets_has(s, i))
			continue;
		put_socket(s, i, &cpus);
		n--;
	}
	return cpus;
}

struct units sockets_highest(const struct sockets *s, uint32_t n)
{
	struct units cpus = { 0 };

	for (uint32_t i = s->topo->max_sockets; n > 0 && i-- > 0;) {
		if (!sockets_has(s, i))
			continue;
		put_socket(s, i, &cpus);
		n--;
	}
	return cpus;
}

struct units sockets_gone(const struct sockets *s, const struct units *cpus)
{
	struct units gone = { 0 };

	UNITS_EACH (cpu, cpus) {
		uint32_t socket = cpu / s->topo->per_socket;

		if (!units_has(&gone, socket) && !sockets_has(s, socket))
			units_put(&gone, socket);
	}
	return gone;
}

struct units sockets_lacking(const struct sockets *s)
{
	struct units cpus = { 0 };

	for (uint32_t i = 0; i < s->topo->max_vcpus; i++)
		if (!present(s, i) && sockets_has(s, i / s->topo->per_socket))
			units_put(&cpus, i);
	return cpus;
}

struct units sockets_unfinished(const struct sockets *s)
{
	struct units cpus = { 0 };

	for (uint32_t i = 0; i < s->topo->max_vcpus; i++) {
		enum slot_state st = cpuhp_slot_state(s->cpuhp, i);

		if (st == SLOT_PLUGGED || st == SLOT_REGISTERED)
			units_put(&cpus, i);
	}
	return cpus;
}

/* The guest runs this vCPU or did so, or it found it when it booted. */
static bool taken(const struct cpuhp_slot *s)
{
	return s->state == SLOT_ONLINE || s->state == SLOT_OFFLINE || s->in_tables;
}

uint32_t sockets_taken(const struct sockets *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->topo->max_sockets; i++) {
		uint32_t has = 0, waits = 0;

		for (uint32_t c = 0; c < s->topo->per_socket; c++) {
			struct cpuhp_slot slot =
				cpuhp_get(s->cpuhp, i * s->topo->per_socket + c);
			bool there = slot_enabled(slot.state);

			has += there && taken(&slot);
			waits += there && !taken(&slot);
		}
		n += has > 0 && waits == 0;
	}
	return n;
}
