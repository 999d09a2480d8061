/* The compiled table ends in a scope with a sample of everything that one CPU needs:
 *
 *	Scope (\_SB.CPUS) {
 *		Device (G000) {
 *			head  Method (GTFY, 2) { arm }  Device (C000) { ... _EJ0 }
 *		}
 *		Method (CTFY, 2) { arm of a group }
 *	}
 *
 * It is cut here, and put together again with an arm and a device for each possible vCPU,
 * and for each group of them.
 * Every place is found in the bytes; an assertion fails where dsdt.asl and this file no
 * longer fit. Encoding: ACPI 6.4, 20.2. */
#include "acpi/dsdt.h"

#include <assert.h>
#include <string.h>

#include "acpi/layout.h"
#include "acpi/sdt.h"
#include "dsdt.hex" /* dsdt_aml_code[] */

#define OP_SCOPE  "\x10"
#define OP_METHOD "\x14"
#define OP_DEVICE "\x5B\x82"
#define CPUS      "._SB_CPUS" /* DualNamePrefix, two names */
#define CTFY      "CTFY\x02"  /* name, flags: two arguments */
#define GTFY      "GTFY\x02"
#define NAME      "C000"
#define GROUP     "G000"
#define EJECT     "_EJ0"

#define NUMBER  "\x88\x77\x66\x55" /* of a group */
#define UID     "\x44\x33\x22\x11"
#define APIC_ID "\x99\xAA\xBB\xCC"
#define OFFSET  "\x80\x5E\x05" /* PkgLength of 8 * 0xABC bits */
#define STA     OFFSET "_STA"
#define CSTA    "\x10\x20\x30\x40\x50\x60\x70\x80"

enum { LENGTH_LEN = 4, MARKS_MAX = 2, GROUP_LEN = 1 << CPUS_GROUP_SHIFT };

struct span {
	const unsigned char *at;
	size_t len;
};

/* Where a placeholder stands, as offsets. */
struct marks {
	size_t n, at[MARKS_MAX];
};

/* What stands there once for each CPU, or group. */
struct sample {
	struct span bytes;
	struct marks name, number;
	struct marks apic_id; /* in _MAT: none in an arm, and none on aarch64 */
	struct marks sta;     /* none in an arm */
};

struct parts {
	struct span fixed;       /* header and first scope */
	struct marks csta;       /* in them */
	struct sample head;      /* of a group: its name and what stands before GTFY */
	struct sample arm;       /* in GTFY; whole */
	struct sample device;    /* contents, without opcode and length */
	struct sample group_arm; /* in CTFY; whole */
	size_t eject_len;        /* of _EJ0 at the end of a device */
};

/* Lengths of the contents of what encloses the CPUs. */
struct lengths {
	size_t method, scope, table;
};

static const unsigned char *end(struct span s)
{
	return s.at + s.len;
}

static const unsigned char *skip(const unsigned char *p, const char *bytes)
{
	assert(memcmp(p, bytes, strlen(bytes)) == 0);
	return p + strlen(bytes);
}

/* Contents of the package at p: what stands behind its opcode and PkgLength. */
static struct span package(const unsigned char *p, const char *op)
{
	const unsigned char *lead = skip(p, op);
	size_t more = *lead >> 6; /* bytes of PkgLength behind the first */
	size_t len = *lead & (more == 0 ? 0x3F : 0x0F);

	for (size_t i = 0; i < more; i++)
		len |= (size_t)lead[1 + i] << (4 + 8 * i);
	return (struct span){ lead + 1 + more, len - 1 - more };
}

static struct marks find(struct span s, const char *placeholder)
{
	struct marks m = { 0 };
	size_t len = strlen(placeholder);

	for (size_t at = 0; at + len <= s.len; at++)
		if (memcmp(s.at + at, placeholder, len) == 0) {
			assert(m.n < MARKS_MAX);
			m.at[m.n++] = at;
		}
	return m;
}

static struct sample sample(struct span bytes, const char *name, const char *number)
{
	struct sample s = { bytes, find(bytes, name), find(bytes, number),
			    find(bytes, APIC_ID), find(bytes, STA) };

	assert(s.name.n == 1 && s.number.n >= 1);
	return s;
}

static struct span between(const unsigned char *from, const unsigned char *to)
{
	return (struct span){ from, (size_t)(to - from) };
}

/* Where the one method begins that has this name and a short length. */
static const unsigned char *method_in(struct span s, const char *name)
{
	struct marks m = find(s, name);

	assert(m.n == 1);
	return s.at + m.at[0] - 2; /* opcode, length */
}

/* Length of _EJ0, which a device ends with. */
static size_t eject_len(struct span device)
{
	const unsigned char *method = method_in(device, EJECT);

	assert(end(package(method, OP_METHOD)) == end(device));
	return (size_t)(end(device) - method);
}

static struct sample arm(struct span method, const char *head, const char *name,
			 const char *number)
{
	return sample(between(skip(method.at, head), end(method)), name, number);
}

static struct parts cut(void)
{
	const unsigned char *table = dsdt_aml_code;
	const unsigned char *last = end(package(table + SDT_HEADER_LEN, OP_SCOPE));
	struct span scope = package(last, OP_SCOPE);
	struct span group = package(skip(scope.at, CPUS), OP_DEVICE);
	struct span ctfy = package(end(group), OP_METHOD);
	const unsigned char *gtfy_at = method_in(group, GTFY);
	struct span gtfy = package(gtfy_at, OP_METHOD);
	struct span device = package(end(gtfy), OP_DEVICE);
	struct span fixed = between(table, last);

	assert(end(device) == end(group) && end(ctfy) == end(scope) &&
	       end(scope) == table + sizeof(dsdt_aml_code));
	return (struct parts){
		.fixed = fixed,
		.csta = find(fixed, CSTA),
		.head = sample(between(group.at, gtfy_at), GROUP, NUMBER),
		.arm = arm(gtfy, GTFY, NAME, UID),
		.device = sample(device, NAME, UID),
		.group_arm = arm(ctfy, CTFY, GROUP, NUMBER),
		.eject_len = eject_len(device),
	};
}

/* Bytes of a package with these contents, as put_package() begins it. */
static size_t package_len(const char *op, size_t len)
{
	return strlen(op) + LENGTH_LEN + len;
}

/* Contents of a method that begins so and has n of these arms. */
static size_t method_len(const char *head, const struct sample *arm, size_t n)
{
	return strlen(head) + n * arm->bytes.len;
}

/* CPUs of a group: the last one may have less. */
static uint32_t group_cpus(const struct topology *t, uint32_t group)
{
	uint32_t left = t->max_vcpus - group * GROUP_LEN;

	return left < GROUP_LEN ? left : GROUP_LEN;
}

static uint32_t groups(const struct topology *t)
{
	return (t->max_vcpus + GROUP_LEN - 1) / GROUP_LEN;
}

static size_t device_len(const struct parts *p, uint32_t cpu)
{
	return p->device.bytes.len - (cpu == 0 ? p->eject_len : 0);
}

/* Contents of a group. */
static size_t group_len(const struct parts *p, const struct topology *t, uint32_t group)
{
	uint32_t n = group_cpus(t, group);
	size_t len =
		p->head.bytes.len + package_len(OP_METHOD, method_len(GTFY, &p->arm, n));

	for (uint32_t i = 0; i < n; i++)
		len += package_len(OP_DEVICE, device_len(p, group * GROUP_LEN + i));
	return len;
}

static struct lengths lengths(const struct parts *p, const struct topology *t)
{
	struct lengths l;

	l.method = method_len(CTFY, &p->group_arm, groups(t));
	l.scope = strlen(CPUS) + package_len(OP_METHOD, l.method);
	for (uint32_t g = 0; g < groups(t); g++)
		l.scope += package_len(OP_DEVICE, group_len(p, t, g));
	l.table = p->fixed.len + package_len(OP_SCOPE, l.scope);
	assert(LENGTH_LEN + l.scope < 1 << 28);
	return l;
}

static unsigned char *put(unsigned char *out, const void *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

/* Opcode and PkgLength, always the long one, of a package with len bytes of contents. */
static unsigned char *put_package(unsigned char *out, const char *op, size_t len)
{
	len += LENGTH_LEN;
	out = put(out, op, strlen(op));
	*out++ = (unsigned char)(0xC0 | (len & 0x0F));
	return sdt_put(out, LENGTH_LEN - 1, len >> 4);
}

static void stamp(unsigned char *out, const struct marks *m, uint32_t v)
{
	for (size_t i = 0; i < m->n; i++)
		sdt_put(out + m->at[i], 4, v);
}

/* A field's offset, in bytes, as a PkgLength of three bytes. */
static void put_offset(unsigned char *out, uint32_t offset)
{
	uint32_t bits = 8 * offset;

	out[0] = (unsigned char)(0x80 | (bits & 0x0F));
	sdt_put(out + 1, 2, bits >> 4);
}

/* The digits behind the letter. */
static void put_name(unsigned char *out, uint32_t number)
{
	const char *hex = "0123456789ABCDEF";

	out[1] = (unsigned char)hex[number >> 8 & 15];
	out[2] = (unsigned char)hex[number >> 4 & 15];
	out[3] = (unsigned char)hex[number & 15];
}

/* The first len bytes of a sample, for the CPU or group of this number. */
static unsigned char *put_sample(unsigned char *out, const struct sample *s, size_t len,
				 uint32_t number)
{
	put(out, s->bytes.at, len);
	put_name(out + s->name.at[0], number);
	stamp(out, &s->number, number);
	return out + len;
}

static unsigned char *put_whole(unsigned char *out, const struct sample *s,
				uint32_t number)
{
	return put_sample(out, s, s->bytes.len, number);
}

/* vCPU 0 has no _EJ0, so that the guest sees that it cannot go. */
static unsigned char *put_device(unsigned char *out, const struct parts *p,
				 const struct topology *t, uint32_t cpu)
{
	size_t len = device_len(p, cpu);

	out = put_package(out, OP_DEVICE, len);
	out = put_sample(out, &p->device, len, cpu);
	stamp(out - len, &p->device.apic_id, topology_apic_id(t, cpu));
	put_offset(out - len + p->device.sta.at[0], cpu);
	return out;
}

/* A method that begins so, with n arms from this number on. */
static unsigned char *put_method(unsigned char *out, const char *head,
				 const struct sample *arm, uint32_t first, uint32_t n)
{
	out = put_package(out, OP_METHOD, method_len(head, arm, n));
	out = put(out, head, strlen(head));
	for (uint32_t i = 0; i < n; i++)
		out = put_whole(out, arm, first + i);
	return out;
}

static unsigned char *put_group(unsigned char *out, const struct parts *p,
				const struct topology *t, uint32_t group)
{
	uint32_t first = group * GROUP_LEN, n = group_cpus(t, group);

	out = put_package(out, OP_DEVICE, group_len(p, t, group));
	out = put_whole(out, &p->head, group);
	out = put_method(out, GTFY, &p->arm, first, n);
	for (uint32_t i = 0; i < n; i++)
		out = put_device(out, p, t, first + i);
	return out;
}

size_t dsdt_len(const struct topology *t)
{
	struct parts p = cut();

	return lengths(&p, t).table;
}

void dsdt_build(const struct topology *t, uint64_t sta, unsigned char *buf)
{
	struct parts p = cut();
	struct lengths l = lengths(&p, t);
	unsigned char *out = put(buf, p.fixed.at, p.fixed.len);

	assert(p.csta.n == 1 && p.device.sta.n == 1);
	sdt_put(buf + p.csta.at[0], 8, sta);
	out = put_package(out, OP_SCOPE, l.scope);
	out = put(out, CPUS, strlen(CPUS));
	for (uint32_t g = 0; g < groups(t); g++)
		out = put_group(out, &p, t, g);
	out = put_method(out, CTFY, &p.group_arm, 0, groups(t));
	assert((size_t)(out - buf) == l.table);
	sdt_end(buf, l.table);
}
