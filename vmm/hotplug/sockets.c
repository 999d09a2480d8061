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
	for (uint32_t i = 0; s->id != NULL && i < s->topo->max_sockets; i++)
		free(s->id[i]);
	free(s->id);
	s->id = NULL;
}

static bool present(const struct sockets *s, uint32_t cpu)
{
	return cpuhp_get(s->cpuhp, cpu).state != SLOT_ABSENT;
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
	if (s->id[socket] != NULL)
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

int sockets_set_id(struct sockets *s, uint32_t socket, const char *id)
{
	char *copy = strdup(id);

	if (copy == NULL)
		return -ENOMEM;
	free(s->id[socket]);
	s->id[socket] = copy;
	return 0;
}

void sockets_forget_ids(struct sockets *s, const uint32_t *cpu, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t socket = cpu[i] / s->topo->per_socket;

		free(s->id[socket]);
		s->id[socket] = NULL;
	}
}

uint32_t sockets_cpus(const struct sockets *s, uint32_t socket, uint32_t *cpu)
{
	for (uint32_t i = 0; i < s->topo->per_socket; i++)
		cpu[i] = socket * s->topo->per_socket + i;
	return s->topo->per_socket;
}

uint32_t sockets_lowest_absent(const struct sockets *s, uint32_t n, uint32_t *cpu)
{
	uint32_t ncpus = 0;

	for (uint32_t i = 0; n > 0 && i < s->topo->max_sockets; i++) {
		if (sockets_has(s, i))
			continue;
		ncpus += sockets_cpus(s, i, cpu + ncpus);
		n--;
	}
	return ncpus;
}

uint32_t sockets_highest(const struct sockets *s, uint32_t n, uint32_t *cpu)
{
	uint32_t ncpus = 0, first = s->topo->max_sockets;

	while (n > 0 && first > 0)
		n -= sockets_has(s, --first);
	for (uint32_t i = first; i < s->topo->max_sockets; i++)
		if (sockets_has(s, i))
			ncpus += sockets_cpus(s, i, cpu + ncpus);
	return ncpus;
}

uint32_t sockets_gone(const struct sockets *s, const uint32_t *cpu, uint32_t n)
{
	uint32_t gone = 0, last = s->topo->max_sockets;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t socket = cpu[i] / s->topo->per_socket;

		gone += socket != last && !sockets_has(s, socket);
		last = socket;
	}
	return gone;
}

uint32_t sockets_lacking(const struct sockets *s, uint32_t *cpu)
{
	uint32_t ncpus = 0;

	for (uint32_t i = 0; i < s->topo->max_vcpus; i++)
		if (!present(s, i) && sockets_has(s, i / s->topo->per_socket))
			cpu[ncpus++] = i;
	return ncpus;
}

uint32_t sockets_unfinished(const struct sockets *s, uint32_t *cpu)
{
	uint32_t ncpus = 0;

	for (uint32_t i = 0; i < s->topo->max_vcpus; i++) {
		enum slot_state st = cpuhp_get(s->cpuhp, i).state;

		if (st == SLOT_PLUGGED || st == SLOT_REGISTERED)
			cpu[ncpus++] = i;
	}
	return ncpus;
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
