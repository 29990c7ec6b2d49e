/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words that people type who know docker, kubectl, virsh or systemctl, and what does that here. What
 * only has another name is an alias in the table of commands instead. Pure. */

/* What follows 'unknown command "…"', such as '; did you mean "vm list"?'. NOUN is NULL for a word
 * without one. NULL: nothing is known about it. */
const char *sclctl_habit (const char *noun, const char *word);
