/* A node for each socket, in it one for each core, and in that one for each thread if
 * there are several. What has no node below it is a vCPU, named by its index. A node's
 * parent is an offset in the table, and stands before it. */
#include "acpi/aarch64/pptt.h"

#include "acpi/sdt.h"

enum {
	PPTT_REVISION = 2, /* the first that knows THREAD and LEAF */

	NODE = 0,
	NODE_LEN = 20,
	NODE_FLAGS = 4,
	NODE_PARENT = 8,
	NODE_ID = 12,

	PACKAGE = 1 << 0,
	ID_VALID = 1 << 1,
	THREAD = 1 << 2,
	LEAF = 1 << 3,
};

/* The table as it grows: what is written ends at end. */
struct pptt {
	const struct topology *t;
	unsigned char *buf, *end;
};

/* Gives the node's offset. */
static size_t put_node(struct pptt *p, size_t parent, uint32_t id, uint32_t flags)
{
	unsigned char *node = p->end;

	node[0] = NODE;
	node[1] = NODE_LEN;
	sdt_put(node + NODE_FLAGS, 4, flags | ID_VALID);
	sdt_put(node + NODE_PARENT, 4, parent);
	sdt_put(node + NODE_ID, 4, id);
	p->end += NODE_LEN;
	return (size_t)(node - p->buf);
}

static void put_core(struct pptt *p, size_t parent, struct place at)
{
	uint32_t first = topology_index(p->t, at);
	size_t core;

	if (p->t->threads == 1) {
		put_node(p, parent, first, LEAF);
		return;
	}
	core = put_node(p, parent, first / p->t->threads, 0);
	for (uint32_t i = 0; i < p->t->threads; i++)
		put_node(p, core, first + i, THREAD | LEAF);
}

static void put_socket(struct pptt *p, uint32_t socket)
{
	size_t offset = put_node(p, 0, socket, PACKAGE);

	for (uint32_t i = 0; i < p->t->cores; i++)
		put_core(p, offset, (struct place){ .socket = socket, .core = i });
}

size_t pptt_len(const struct topology *t)
{
	size_t per_core = t->threads == 1 ? 1 : 1 + (size_t)t->threads;

	return SDT_HEADER_LEN + t->max_sockets * (1 + t->cores * per_core) * NODE_LEN;
}

void pptt_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf)
{
	struct pptt p = { t, buf, buf + SDT_HEADER_LEN };

	(void)enabled;
	sdt_begin(buf, "PPTT", PPTT_REVISION);
	for (uint32_t i = 0; i < t->max_sockets; i++)
		put_socket(&p, i);
	sdt_end(buf, (size_t)(p.end - buf));
}
