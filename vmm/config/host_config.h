#ifndef VMM_CONFIG_HOST_CONFIG_H
#define VMM_CONFIG_HOST_CONFIG_H
/* host_config: the limits that this host sets for VMs which do not set their own, in a
 * JSON file.
 *
 *	{ "maxCpuSockets": 16, "maxHotplugRatio": 4, "maxVcpus": 512 }
 *
 * Each key may be left out; policy.h says what they mean. */

#include "vmm/base/text.h"
#include "vmm/config/policy.h"

#define HOST_CONFIG_DEFAULT "/etc/hotsocket.json" /* read when it exists */

/* Reads the file into *p; what it does not name becomes 0. path NULL is the default file,
 * which may be missing. 0; or -errno with *why, which names the file, and *p as it
 * was. */
int host_config_read(const char *path, struct policy *p, struct text *why);

#endif
