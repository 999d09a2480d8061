/* Any bytes, in any pieces: the frame stays within itself, finds the same whatever the
 * pieces were, and each thing found makes a reply. The first byte is the piece size. */
#include "vmm/qmp/qmp_frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static json_t *reply_to(json_t *value)
{
	struct qmp_error err = { 0 };
	struct qmp_request req;
	bool negotiated = false;

	if (qmp_request_read(value, &req, &err) == 0 &&
	    qmp_negotiate(&negotiated, &req, &err) != QMP_REFUSED)
		return qmp_return(json_object(), req.id);
	must(err.desc[0] != '\0');
	return qmp_failure(&err, req.id);
}

/* Adds the replies to all that the frame finds now to sum. */
static uint64_t take_all(struct qmp_frame *f, uint64_t sum)
{
	struct qmp_error err;
	enum qmp_found found;
	json_t *value;

	while ((found = qmp_frame_next(f, &value, &err)) != QMP_FOUND_NONE) {
		bool whole = found == QMP_FOUND_VALUE;
		json_t *reply = whole ? reply_to(value) : qmp_failure(&err, NULL);
		char *line = json_dumps(reply, 0);

		must(line != NULL);
		for (const char *p = line; *p; p++)
			sum = sum * 31 + (unsigned char)*p;
		free(line);
		json_decref(reply);
		if (whole)
			json_decref(value);
	}
	must(f->start <= f->at && f->at == f->len && f->len < sizeof(f->buf));
	return sum;
}

static uint64_t replies(const uint8_t *data, size_t size, size_t piece)
{
	static struct qmp_frame f;
	uint64_t sum = 1;

	qmp_frame_init(&f);
	while (size > 0) {
		size_t room;
		char *at = qmp_frame_room(&f, &room);
		size_t n = piece < size ? piece : size;

		must(room > 0);
		n = n < room ? n : room;
		memcpy(at, data, n);
		f.len += n;
		data += n;
		size -= n;
		sum = take_all(&f, sum);
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		must(replies(data + 1, size - 1, SIZE_MAX) ==
		     replies(data + 1, size - 1, (size_t)data[0] + 1));
	return 0;
}
