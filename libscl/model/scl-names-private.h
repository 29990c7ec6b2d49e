/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every name, number and mark that SCL puts into the kernel or into libvirt stands here and
 * nowhere else (design: "Several instances on one host never meet"). Pure. */

#include <glib.h>

#define SCL_NAME_MAX 63
#define SCL_PREFIX_DEFAULT "scl"
#define SCL_LINK_NAME_MAX 15

/* Kind letters of links. */
typedef enum {
  SCL_LINK_UPLINK = 'u',  /* host end of a network's uplink */
  SCL_LINK_NIC = 'n',     /* host end of a NIC; the port inside the namespace has the same name */
  SCL_LINK_MACVTAP = 'm', /* libvirt's macvtap on a NIC's host end */
} SclLinkKind;

/* Inside a namespace. */
#define SCL_NS_UPLINK "uplink"
#define SCL_NS_BRIDGE "lan"
/* Host end of every uplink. */
#define SCL_HOST_ADDRESS "169.254.77.1"
/* rtm_protocol and FRA_PROTOCOL of what we add ('S'). */
#define SCL_ROUTE_PROTOCOL 83

/* "PREFIXk-NAME" if that fits into IFNAMSIZ, else "PREFIXk-" + 8 base32 characters. */
char *_scl_names_link (const char *prefix, SclLinkKind kind, const char *name);
/* As _scl_names_link for NIC number INDEX of VM (its name is "VM-INDEX"). */
char *_scl_names_nic (const char *prefix, SclLinkKind kind, const char *vm, guint index);
char *_scl_names_namespace (const char *prefix, const char *network);
char *_scl_names_domain (const char *prefix, const char *vm);
/* The ifalias that marks a link or (on lo) a namespace: "scl:PREFIX:NAME". */
char *_scl_names_mark (const char *prefix, const char *name);
/* NULL if ALIAS is not a mark of PREFIX, else the NAME in it (borrowed from ALIAS). */
const char *_scl_names_unmark (const char *prefix, const char *alias);
/* "52:" + 40 bits of SHA-256 (machine id, prefix, VM, NIC number). */
char *_scl_names_mac (const char *machine_id, const char *prefix, const char *vm, guint index);

/* Per instance: routing table, rule preferences, packet mark under SCL_MARK_MASK. Two prefixes may have
 * the same. That does no harm to the mark; of the others the instance that comes second takes its next
 * choice (0 is the first; SCL_N_CHOICES are surely different), and what it has taken the kernel tells. */
#define SCL_MARK_MASK 0x00ff0000u
#define SCL_N_CHOICES 4096u
guint32 _scl_names_mark_value (const char *prefix); /* never 0 under the mask */
guint32 _scl_names_table (const char *prefix, guint choice);
guint32 _scl_names_rule_priority (const char *prefix, guint choice); /* and the one after it */
/* Whether it is some choice of some instance. */
gboolean _scl_names_is_table (guint32 table);
gboolean _scl_names_is_rule_priority (guint32 priority);

/* Another one for each prefix there can be, less than 2^31. */
guint32 _scl_names_number (const char *prefix);

/* Of all instances: prohibitions that packets from uplinks meet before any other rule but the local
 * table. Routes in it have their instance's number as metric. */
#define SCL_GUARD_TABLE 0x5c0fffffu
#define SCL_GUARD_RULE_PRIORITY 19999u

/* NULL if NAME is a DNS label of up to 63 lower- or upper-case letters, digits and inner
 * hyphens; else what is wrong with it (static). */
const char *_scl_names_check_label (const char *name);
const char *_scl_names_check_prefix (const char *prefix); /* [a-z][a-z0-9]{0,5} */
/* Prefixes that nft 1.0.6 takes for something else where a table's name should be, and has no way to
 * quote: an instance of that name could not have a firewall. NULL-terminated. */
const char *const *_scl_names_list_nft_words (void);
gboolean _scl_names_is_nft_word (const char *prefix);
const char *_scl_names_check_interface (const char *name);
