#ifndef VMM_CONFIG_MANIFEST_TREE_H
#define VMM_CONFIG_MANIFEST_TREE_H
/* manifest_tree: the fields of a manifest by their paths, and which of them mean
 * something here.
 *
 * A path is "metadata.name"; one that begins with "$", as "$.domain.cpu", is in the spec
 * of the instance: "spec.template.spec.domain.cpu" of a VirtualMachine. A field that is
 * null is not there. */

#include <jansson.h>

#include "vmm/base/text.h"

#define MANIFEST_PATH_LEN    160 /* with the final 0; longer than any that is known */
#define MANIFEST_IGNORED_LEN 480

struct manifest_tree {
	json_t *root;
	const char *vmi; /* what "$" stands for */
	char ignored[MANIFEST_IGNORED_LEN];
};

/* The path as the user writes it. */
void manifest_tree_path(const struct manifest_tree *t, const char *path,
			char out[MANIFEST_PATH_LEN]);

/* The field, or NULL. */
const json_t *manifest_tree_find(const struct manifest_tree *t, const char *path);

/* *out is NULL when there is none, and lives as long as the tree. 0; or -EINVAL with
 * *why. */
int manifest_tree_string(const struct manifest_tree *t, const char *path,
			 const char **out, struct text *why);

/* Puts the path of the field before the sentence, and returns err. */
int manifest_tree_blame(const struct manifest_tree *t, const char *path, int err,
			struct text *why);

/* Says that the field must be what is wanted ("a string"). Returns -EINVAL. */
int manifest_tree_wrong_type(const struct manifest_tree *t, const char *path,
			     const char *wanted, const json_t *found, struct text *why);

/* Looks at all that is there: lists in t->ignored what means nothing here. 0; or -EINVAL
 * with *why when a map is none, or a key of the CPUs is not known. */
int manifest_tree_look(struct manifest_tree *t, struct text *why);

#endif
