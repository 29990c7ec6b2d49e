/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-network-config-private.h"

#include "backend/volume/scl-cloud-yaml-private.h"
#include <string.h>

#define BY_DHCP "cloud-init ignores the file and asks for addresses by DHCP"
#define NOTHING "cloud-init configures no network card at all"
#define NETPLAN "only an image with netplan does that"

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (yaml_document_t, yaml_document_delete)

typedef struct
{
  yaml_document_t *document;
  const char *path;
  const char *const *macs;
  char *warning;
  char *note;
} Check;

static void
check_tell (Check *self, char **place, const yaml_node_t *node, const char *what,
            const char *consequence)
{
  if (*place == NULL)
    *place = _scl_cloud_yaml_describe (self->path, node->start_mark, what, consequence);
}

/* (nullable) */
static const char *
text_of (const yaml_node_t *node)
{
  return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *) node->data.scalar.value
                                                        : NULL;
}

/* (nullable) */
static yaml_node_t *
lookup (Check *self, const yaml_node_t *map, const char *key)
{
  if (map == NULL || map->type != YAML_MAPPING_NODE)
    return NULL;
  for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top;
       pair++)
    if (g_strcmp0 (text_of (yaml_document_get_node (self->document, pair->key)), key) == 0)
      return yaml_document_get_node (self->document, pair->value);
  return NULL;
}

static gboolean
is_known_mac (Check *self, const char *mac)
{
  for (gsize i = 0; self->macs[i] != NULL; i++)
    if (g_ascii_strcasecmp (self->macs[i], mac) == 0)
      return TRUE;
  return FALSE;
}

/* YAML 1.1 has numbers in base 60, and "12:34:56:10:11:12" is one, but none begins with 0. */
static gboolean
is_number (const yaml_node_t *mac)
{
  return mac->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
         && g_regex_match_simple ("^[1-9][0-9]*(:[0-5]?[0-9])+$", text_of (mac), 0, 0);
}

static void
check_mac (Check *self, const yaml_node_t *card, const yaml_node_t *mac)
{
  g_autofree char *what = NULL;

  if (text_of (mac) == NULL)
    return;
  if (is_number (mac))
    check_tell (self, &self->warning, mac,
                "YAML takes this MAC address for a number: put it in quotes", NOTHING);
  if (self->macs == NULL || is_known_mac (self, text_of (mac))
      || lookup (self, card, "set-name") == NULL)
    return;
  what = g_strdup_printf ("\"set-name\" for a card that this VM does not have (%s)", text_of (mac));
  check_tell (self, &self->warning, mac, what, NOTHING);
}

/* Renderers other than netplan's take the key for the card's name. */
static void
check_match (Check *self, const yaml_node_t *card)
{
  const yaml_node_t *match = lookup (self, card, "match");
  const yaml_node_t *mac = lookup (self, match, "macaddress");

  if (match != NULL && mac == NULL)
    check_tell (self, &self->note, match,
                "\"match\" without \"macaddress\" finds a card by other properties",
                NETPLAN
                "; every image takes the card's name as the key instead of \"match\", as enp1s0:");
  check_mac (self, card, mac);
}

static void
check_prefix (Check *self, const yaml_node_t *address)
{
  const char *text = text_of (address);
  g_autofree char *what = NULL;

  if (text == NULL || strchr (text, '/') != NULL)
    return;
  what = g_strdup_printf ("%s has no prefix length", text);
  check_tell (self, &self->warning, address, what,
              "cloud-init takes /24 (IPv6: /64), and netplan nothing of the file");
}

static void
check_addresses (Check *self, const yaml_node_t *card)
{
  const yaml_node_t *addresses = lookup (self, card, "addresses");

  if (text_of (addresses) != NULL && *text_of (addresses) != '\0')
    check_tell (self, &self->warning, addresses, "\"addresses\" is no list", NOTHING);
  if (addresses == NULL || addresses->type != YAML_SEQUENCE_NODE)
    return;
  for (yaml_node_item_t *item = addresses->data.sequence.items.start;
       item < addresses->data.sequence.items.top; item++)
    check_prefix (self, yaml_document_get_node (self->document, *item));
}

/* Any text is true. */
static void
check_dhcp (Check *self, const yaml_node_t *card)
{
  static const char *const keys[] = { "dhcp4", "dhcp6" };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      const yaml_node_t *node = lookup (self, card, keys[i]);
      g_autofree char *what
          = g_strdup_printf ("\"%s\" is a text, not yes or no: take the quotes off", keys[i]);

      if (text_of (node) != NULL && node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        check_tell (self, &self->warning, node, what, "cloud-init takes any text for yes");
    }
}

static void
check_nameservers (Check *self, const yaml_node_t *card)
{
  const yaml_node_t *servers = lookup (self, card, "nameservers");

  if (servers != NULL && servers->type == YAML_SEQUENCE_NODE)
    check_tell (self, &self->warning, servers, "\"nameservers\" is a list, not {addresses: […]}",
                NOTHING);
}

static void
check_routes (Check *self, const yaml_node_t *card)
{
  const yaml_node_t *routes = lookup (self, card, "routes");

  if (routes == NULL || routes->type != YAML_SEQUENCE_NODE)
    return;
  for (yaml_node_item_t *item = routes->data.sequence.items.start;
       item < routes->data.sequence.items.top; item++)
    {
      const yaml_node_t *to = lookup (self, yaml_document_get_node (self->document, *item), "to");

      if (g_strcmp0 (text_of (to), "default") == 0)
        check_tell (self, &self->note, to, "a route to \"default\"",
                    NETPLAN "; every image takes 0.0.0.0/0");
      else
        check_prefix (self, to);
    }
}

static void
check_card (Check *self, const yaml_node_t *card)
{
  check_match (self, card);
  check_dhcp (self, card);
  check_addresses (self, card);
  check_nameservers (self, card);
  check_routes (self, card);
}

static void
check_cards (Check *self, const yaml_node_t *cards)
{
  if (cards != NULL && cards->type != YAML_MAPPING_NODE)
    check_tell (self, &self->warning, cards, "\"ethernets\" is no map of cards", NOTHING);
  if (cards == NULL || cards->type != YAML_MAPPING_NODE)
    return;
  for (yaml_node_pair_t *pair = cards->data.mapping.pairs.start;
       pair < cards->data.mapping.pairs.top; pair++)
    check_card (self, yaml_document_get_node (self->document, pair->value));
}

/* "2" in quotes is none, "1" is one. */
static gboolean
is_version (const yaml_node_t *version)
{
  const char *text = text_of (version);
  char *end;
  double number;

  if (text == NULL || *text == '\0')
    return FALSE;
  number = g_ascii_strtod (text, &end);
  return *end == '\0'
         && (number == 1 || (number == 2 && version->data.scalar.style == YAML_PLAIN_SCALAR_STYLE));
}

static void
check_config (Check *self, const yaml_node_t *config)
{
  const yaml_node_t *version = lookup (self, config, "version");

  if (g_strcmp0 (text_of (lookup (self, config, "config")), "disabled") == 0)
    return;
  if (config->type != YAML_MAPPING_NODE)
    check_tell (self, &self->warning, config, "no map of keys", NOTHING);
  else if (version == NULL)
    check_tell (self, &self->warning, config, "there is no \"version\" (version: 2)", NOTHING);
  else if (!is_version (version))
    check_tell (self, &self->warning, version,
                "the version must be the number 1 or 2, without quotes", NOTHING);
  check_cards (self, lookup (self, config, "ethernets"));
}

/* Empty counts as absent. */
static void
check_root (Check *self)
{
  const yaml_node_t *root = yaml_document_get_root_node (self->document);
  const yaml_node_t *inner = root != NULL ? lookup (self, root, "network") : NULL;

  if (root == NULL || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0))
    return;
  if (root->type != YAML_MAPPING_NODE)
    check_tell (self, &self->warning, root, "no map of keys", BY_DHCP);
  else
    check_config (self, inner != NULL ? inner : root);
}

/* FALSE: there is none. */
static gboolean
check_document (Check *self, yaml_parser_t *parser, const char *text, gsize size, gboolean is_first)
{
  g_auto (yaml_document_t) document = { 0 };

  if (yaml_parser_load (parser, &document) == 0)
    {
      g_free (self->warning);
      self->warning = _scl_cloud_yaml_describe_syntax (self->path, parser, text, size, BY_DHCP);
      return FALSE;
    }
  self->document = &document;
  if (yaml_document_get_root_node (&document) == NULL)
    return FALSE;
  if (is_first)
    check_root (self);
  else
    check_tell (self, &self->warning, yaml_document_get_root_node (&document), "a second document",
                BY_DHCP);
  return TRUE;
}

static void
check_text (Check *self, const char *text, gsize size)
{
  g_auto (yaml_parser_t) parser = { 0 };

  if (yaml_parser_initialize (&parser) == 0)
    g_error ("out of memory");
  yaml_parser_set_input_string (&parser, (const guchar *) text, size);
  if (check_document (self, &parser, text, size, TRUE))
    check_document (self, &parser, text, size, FALSE);
}

char *
_scl_network_config_check (GBytes *given, const char *path, const char *const *macs,
                           char **out_note)
{
  Check check = { .path = path, .macs = macs };
  gsize size;
  const char *text = g_bytes_get_data (given, &size);

  if (size > 0 && _scl_cloud_yaml_is_plain (text, size))
    check_text (&check, text, size);
  *out_note = check.note;
  return check.warning;
}
