/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-libvirt-vms-parts-private.h"

/* A daemon works on five requests of one client at a time, and each silent agent keeps one of them:
 * with fewer, whoever else uses the connection is answered. */
#define ASKERS 4
/* For one agent, and for beginning to ask. */
#define AGENT_SECONDS 1
/* The daemon itself is silent. */
#define DAEMON_SECONDS 5

/* Agents that are asked together. Owned by whoever still asks: one that hangs is left behind. */
typedef struct
{
  SclVmBackend *backend;
  GPtrArray *names; /* char*; NULL: not to be asked */
  gint next;        /* atomic */
  gint64 deadline;
  GMutex lock;
  GPtrArray *answers; /* GPtrArray of GInetAddress, or NULL, by name; NULL: nobody waits any more */
} Round;

static void
round_clear (gpointer data)
{
  Round *round = data;

  g_object_unref (round->backend);
  g_ptr_array_unref (round->names);
  g_clear_pointer (&round->answers, g_ptr_array_unref);
  g_mutex_clear (&round->lock);
}

static void
round_unref (gpointer round)
{
  g_atomic_rc_box_release_full (round, round_clear);
}

static void
free_addresses (gpointer addresses)
{
  g_clear_pointer ((GPtrArray **) &addresses, g_ptr_array_unref);
}

static Round *
round_new (SclVmBackend *backend, SclObservation *observation)
{
  Round *round = g_atomic_rc_box_new0 (Round);

  round->backend = g_object_ref (backend);
  round->names = g_ptr_array_new_with_free_func (g_free);
  round->answers = g_ptr_array_new_with_free_func (free_addresses);
  round->deadline = g_get_monotonic_time () + AGENT_SECONDS * G_USEC_PER_SEC;
  g_mutex_init (&round->lock);
  for (guint i = 0; i < observation->vms->len; i++)
    {
      const SclObservedVm *vm = observation->vms->pdata[i];
      gboolean on = !vm->foreign && vm->live_spec != NULL;

      g_ptr_array_add (round->names, on ? g_strdup (vm->name) : NULL);
    }
  g_ptr_array_set_size (round->answers, (gint) observation->vms->len);
  return round;
}

/* --- one agent --- */

static void
add_addresses (GPtrArray *addresses, virDomainInterfacePtr interface)
{
  for (guint i = 0; i < interface->naddrs; i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (interface->addrs[i].addr);

      if (address != NULL && !g_inet_address_get_is_loopback (address)
          && !g_inet_address_get_is_link_local (address))
        g_ptr_array_add (addresses, g_steal_pointer (&address));
    }
}

static GPtrArray *
take_addresses (virDomainInterfacePtr *interfaces, int n)
{
  GPtrArray *addresses = g_ptr_array_new_with_free_func (g_object_unref);

  for (int i = 0; i < n; i++)
    {
      add_addresses (addresses, interfaces[i]);
      virDomainInterfaceFree (interfaces[i]);
    }
  free (interfaces);
  return addresses;
}

static GPtrArray *
ask (SclLibvirtVms *self, const char *name)
{
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, NULL);
  g_autoptr (virDomain) domain
      = handle != NULL ? _scl_libvirt_vms_lookup (self, handle, name, NULL) : NULL;
  virDomainInterfacePtr *interfaces = NULL;
  int n;

  _scl_virt_call_note ("asking guest agents");
  /* One that hangs would hold us for libvirt's 5 s. */
  if (domain == NULL || virDomainAgentSetResponseTimeout (domain, AGENT_SECONDS, 0) < 0)
    return NULL;
  n = virDomainInterfaceAddresses (domain, &interfaces, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, 0);
  /* The limit is the domain's, for all who talk to its agent: a quiesced snapshot may need longer. It
   * cannot be asked for what it was, so it is libvirt's own again. */
  (void) virDomainAgentSetResponseTimeout (domain, VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK, 0);
  return n < 0 ? NULL : take_addresses (interfaces, n);
}

/* --- all of them --- */

/* FALSE: nobody waits for it any more. */
static gboolean
keep_answer (Round *round, guint index, GPtrArray *answer)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&round->lock);

  if (round->answers == NULL)
    {
      free_addresses (answer);
      return FALSE;
    }
  round->answers->pdata[index] = answer;
  return TRUE;
}

static gboolean
may_go_on (const Round *round)
{
  return g_get_monotonic_time () < round->deadline
         && !g_cancellable_is_cancelled (_scl_virt_call_get_cancellable ());
}

static void
ask_in_turn (gpointer data, gpointer user_data)
{
  Round *round = data;

  while (may_go_on (round))
    {
      guint i = (guint) g_atomic_int_add (&round->next, 1);

      if (i >= round->names->len)
        return;
      if (round->names->pdata[i] != NULL
          && !keep_answer (round, i, ask (SCL_LIBVIRT_VMS (round->backend), round->names->pdata[i])))
        return;
    }
}

static GPtrArray *
steal_answers (Round *round)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&round->lock);

  return g_steal_pointer (&round->answers);
}

static guint
count_names (const Round *round)
{
  guint n = 0;

  for (guint i = 0; i < round->names->len; i++)
    n += round->names->pdata[i] != NULL;
  return n;
}

GPtrArray *
_scl_libvirt_vms_list_agent_addresses (SclVmBackend *backend, SclObservation *observation,
                                       GCancellable *cancellable)
{
  g_autoptr (GPtrArray) calls
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_virt_call_unref);
  Round *round = round_new (backend, observation);
  guint n = MIN (count_names (round), ASKERS);
  GPtrArray *answers;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (calls, _scl_virt_call_start (ask_in_turn, g_atomic_rc_box_acquire (round),
                                                  round_unref, "asking guest agents"));
  for (guint i = 0; i < n; i++)
    (void) _scl_virt_call_wait (calls->pdata[i], "guest agents", DAEMON_SECONDS, 0, cancellable, NULL);
  answers = steal_answers (round);
  round_unref (round);
  return answers;
}
