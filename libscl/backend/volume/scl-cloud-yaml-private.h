/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Findings about YAML that cloud-init will read, with line and column. */

#include <glib.h>
#include <yaml.h>

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (yaml_parser_t, yaml_parser_delete)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (yaml_event_t, yaml_event_delete)

/* "PATH:LINE:COLUMN: WHAT: CONSEQUENCE" */
char *_scl_cloud_yaml_describe (const char *path, yaml_mark_t mark, const char *what,
                                const char *consequence);

/* Of the error that PARSER met in TEXT. */
char *_scl_cloud_yaml_describe_syntax (const char *path, const yaml_parser_t *parser,
                                       const char *text, gsize size, const char *consequence);

/* FALSE: nested, or full of anchors, beyond what anybody writes; libyaml's time grows with the square
 * of either. What is not valid YAML is plain up to there. */
gboolean _scl_cloud_yaml_is_plain (const char *text, gsize size);
