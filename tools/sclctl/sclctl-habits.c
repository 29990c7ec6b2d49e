/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-habits.h"

#include <glib.h>

#define MEANT(path) "; did you mean \"" path "\"?"
#define EDIT ": what is declared is changed in the manifest; edit that, then \"sclctl apply -f FILE\""
#define LOG_IN                                                                                     \
  ": \"sclctl console NAME\" is the serial console, and \"sclctl vm list\" has the addresses for ssh"
#define TOP                                                                                        \
  ": \"sclctl vm list\" shows state, cores and memory; how busy a VM is, \"virsh domstats\" knows"
#define DESTROY                                                                                    \
  ": \"sclctl vm stop --force NAME\" switches a VM off, \"sclctl vm delete NAME\" removes it"
#define GET ": \"sclctl status\" shows everything, \"sclctl vm list\" the VMs, \"vm show NAME\" one"

typedef struct
{
  const char *noun;  /* NULL: without one */
  const char *words; /* blank-separated */
  const char *advice;
} Habit;

static const Habit habits[] = {
  { NULL, "ps ls vms", MEANT ("vm list") },
  { NULL, "rm remove delete undefine", MEANT ("vm delete") },
  { NULL, "inspect describe dumpxml", MEANT ("vm show") },
  { NULL, "log", MEANT ("vm logs") },
  { NULL, "top stats", TOP },
  { NULL, "edit create define set", EDIT },
  { NULL, "ssh exec shell enter", LOG_IN },
  { NULL, "attach", MEANT ("vm attach") },
  { NULL, "version", MEANT ("--version") },
  { NULL, "info", MEANT ("status") },
  { NULL, "up", ": \"sclctl apply -f FILE\" brings it up for good, \"sclctl run -f FILE\" until Ctrl-C" },
  { NULL, "down", ": \"sclctl vm stop --all\" shuts every VM down; \"sclctl run\" ends with Ctrl-C" },
  { NULL, "get list show", GET },
  { NULL, "shutdown", MEANT ("vm stop") },
  { NULL, "reboot", MEANT ("vm restart") },
  { NULL, "destroy", DESTROY },
  { NULL, "diff", MEANT ("plan") },
  { NULL, "check lint", MEANT ("validate") },

  { "vm", "ps", MEANT ("vm list") },
  { "vm", "inspect describe info get dumpxml", MEANT ("vm show") },
  { "vm", "remove undefine", MEANT ("vm delete") },
  { "vm", "log", MEANT ("vm logs") },
  { "vm", "top stats", TOP },
  { "vm", "edit create define set", EDIT },
  { "vm", "ssh exec shell enter", LOG_IN },
  { "vm", "up run", MEANT ("vm start") },
  { "vm", "down shutdown", MEANT ("vm stop") },
  { "vm", "reboot", MEANT ("vm restart") },
  { "vm", "destroy", DESTROY },

  { "network", "inspect describe info get", MEANT ("network show") },
  { "network", "remove destroy undefine", MEANT ("network delete") },
  { "network", "edit create define set", EDIT },

  { "volume", "inspect describe info get", MEANT ("volume show") },
  { "volume", "remove destroy undefine", MEANT ("volume delete") },
  { "volume", "edit resize grow", EDIT },
};

const char *
sclctl_habit (const char *noun, const char *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (habits); i++)
    {
      g_auto (GStrv) words = g_strsplit (habits[i].words, " ", -1);

      if (g_strcmp0 (habits[i].noun, noun) == 0
          && g_strv_contains ((const char *const *)words, word))
        return habits[i].advice;
    }
  return NULL;
}
