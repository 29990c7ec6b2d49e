/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sockets in the namespaces of a test: opened in a thread that visits the namespace, used from the
 * main thread. A guest is a veth pair that is wired to the NIC's macvtap, whose network side
 * stands in a namespace of its own. */

#include "network-fixture.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Long enough for what must arrive, short enough for what must not. */
#define ARRIVES_MS 30000
#define NOTHING_MS 250

typedef struct
{
  int domain, type, protocol, fd;
} SocketCall;

static inline gboolean
call_socket (gpointer data, GError **error)
{
  SocketCall *call = data;

  call->fd = socket (call->domain, call->type | SOCK_CLOEXEC, call->protocol);
  return call->fd >= 0;
}

/* NETNS NULL: the test's root namespace. */
static inline int
socket_in (const char *netns, int domain, int type, int protocol)
{
  SocketCall call = { domain, type, protocol, -1 };
  int fd = -1;

  if (netns != NULL)
    assert_int_equal (_scl_netns_open (netns, &fd), SCL_NETNS_FOUND);
  assert_true (_scl_netns_run (fd, call_socket, &call, NULL));
  if (fd >= 0)
    close (fd);
  return call.fd;
}

static inline struct sockaddr_in
address_of (const char *ip, guint16 port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port) };

  assert_int_equal (inet_pton (AF_INET, ip, &address.sin_addr), 1);
  return address;
}

static inline gboolean
wait_for (int fd, short events, int timeout)
{
  struct pollfd p = { fd, events, 0 };

  return poll (&p, 1, timeout) == 1;
}

/* A bound socket; TCP ones listen. */
static inline int
serve (const char *netns, int type, const char *ip, guint16 port)
{
  int fd = socket_in (netns, AF_INET, type, 0);
  struct sockaddr_in address = address_of (ip, port);
  int one = 1;

  (void)setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  assert_int_equal (bind (fd, (struct sockaddr *)&address, sizeof address), 0);
  if (type == SOCK_STREAM)
    assert_int_equal (listen (fd, 8), 0);
  return fd;
}

/* Connects from NETNS; -1 if nothing answers in TIMEOUT. */
static inline int
try_connect (const char *netns, const char *ip, guint16 port, int timeout)
{
  int fd = socket_in (netns, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = address_of (ip, port);
  int failure = 0;
  socklen_t length = sizeof failure;

  if (connect (fd, (struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  if (errno == EINPROGRESS && wait_for (fd, POLLOUT, timeout)
      && getsockopt (fd, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 && failure == 0)
    return fd;
  close (fd);
  return -1;
}

/* One accepted connection's peer address as text; fails the test if none comes. */
static inline int
accept_one (int listener, char *out_peer)
{
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  int fd;

  if (!wait_for (listener, POLLIN, ARRIVES_MS))
    fail_msg ("no connection came");
  fd = accept (listener, (struct sockaddr *)&peer, &length);
  assert_true (fd >= 0);
  if (out_peer != NULL)
    (void)inet_ntop (AF_INET, &peer.sin_addr, out_peer, INET_ADDRSTRLEN);
  return fd;
}

/* TCP from NETNS to IP:PORT arrives at LISTENER (and returns); PEER is what the server sees. */
static inline void
assert_tcp (const char *netns, const char *ip, guint16 port, int listener, const char *peer)
{
  char seen[INET_ADDRSTRLEN] = "";
  char byte = 0;
  int client = try_connect (netns, ip, port, ARRIVES_MS);
  int server;

  if (client < 0)
    fail_msg ("%s cannot connect to %s:%u", netns == NULL ? "the host" : netns, ip, port);
  server = accept_one (listener, seen);
  if (peer != NULL)
    assert_string_equal (seen, peer);
  assert_int_equal (write (server, "x", 1), 1);
  assert_true (wait_for (client, POLLIN, ARRIVES_MS));
  assert_int_equal (read (client, &byte, 1), 1);
  close (server);
  close (client);
}

static inline void
assert_no_tcp (const char *netns, const char *ip, guint16 port)
{
  int client = try_connect (netns, ip, port, NOTHING_MS);

  if (client >= 0)
    fail_msg ("%s can connect to %s:%u", netns == NULL ? "the host" : netns, ip, port);
}

static inline void
send_udp (int fd, const char *ip, guint16 port, const char *text)
{
  struct sockaddr_in to = address_of (ip, port);

  (void)sendto (fd, text, strlen (text), 0, (struct sockaddr *)&to, sizeof to);
}

/* UDP there and back. */
static inline void
assert_udp (const char *netns, const char *ip, guint16 port, int server, const char *peer)
{
  int client = socket_in (netns, AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in from, back;
  socklen_t length = sizeof from;
  char buffer[16], text[INET_ADDRSTRLEN];

  send_udp (client, ip, port, "ping");
  if (!wait_for (server, POLLIN, ARRIVES_MS))
    fail_msg ("no UDP from %s to %s:%u", netns == NULL ? "the host" : netns, ip, port);
  assert_int_equal (recvfrom (server, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length),
                    4);
  if (peer != NULL)
    assert_string_equal (inet_ntop (AF_INET, &from.sin_addr, text, sizeof text), peer);
  (void)sendto (server, "pong", 4, 0, (struct sockaddr *)&from, length);
  assert_true (wait_for (client, POLLIN, ARRIVES_MS));
  length = sizeof back;
  assert_int_equal (recvfrom (client, buffer, sizeof buffer, 0, (struct sockaddr *)&back, &length),
                    4);
  assert_string_equal (inet_ntop (AF_INET, &back.sin_addr, text, sizeof text), ip);
  close (client);
}

/* --- guests --- */

/* What QEMU does with a macvtap, by nft: frames that come out of it go to the guest, and back. Gone
 * with `nft flush ruleset`, so it can be called again. */
static inline void
wire_guest (const char *vm)
{
  sh ("nft 'table netdev g-%s { chain in { type filter hook ingress device \"" PREFIX
      "m-%s-0\" priority 0; fwd to \"gv-%s\"; }; chain out { type filter hook ingress device "
      "\"gv-%s\" priority 0; fwd to \"" PREFIX "m-%s-0\"; }; }'",
      vm, vm, vm, vm, vm);
}

/* Namespace "g-VM" with eth0 behind the NIC's macvtap, address IP/24 and a default route via GATEWAY
 * (NULL: none). */
static inline void
start_guest (const char *vm, const char *ip, const char *gateway)
{
  sh ("ip netns add g-%s && ip -n g-%s link set lo up", vm, vm);
  sh ("ip link add gv-%s type veth peer name eth0 netns g-%s address $(ip -o link show " PREFIX
      "m-%s-0 | sed 's/.*ether \\([^ ]*\\) .*/\\1/') && ip link set gv-%s addrgenmode none arp off up && "
      "ip -n g-%s link set eth0 up && ip -n g-%s addr add %s/24 dev eth0",
      vm, vm, vm, vm, vm, vm, ip);
  wire_guest (vm);
  if (gateway != NULL)
    sh ("ip -n g-%s route add default via %s", vm, gateway);
}

/* --- raw frames --- */

typedef struct
{
  guint8 bytes[128];
  gsize length;
} Frame;

static inline void
parse_mac (const char *text, guint8 out[6])
{
  guint b[6];

  assert_int_equal (sscanf (text, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]),
                    6);
  for (gsize i = 0; i < 6; i++)
    out[i] = (guint8)b[i];
}

static inline Frame
frame_new (const char *to, const char *from, guint16 type)
{
  Frame f = { .length = 14 };

  parse_mac (to, f.bytes);
  parse_mac (from, f.bytes + 6);
  f.bytes[12] = (guint8)(type >> 8);
  f.bytes[13] = (guint8)type;
  return f;
}

static inline void
frame_put (Frame *f, const void *data, gsize size)
{
  memcpy (f->bytes + f->length, data, size);
  f->length += size;
}

static inline void
frame_put_ip (Frame *f, const char *ip)
{
  struct in_addr address;

  assert_int_equal (inet_pton (AF_INET, ip, &address), 1);
  frame_put (f, &address, 4);
}

static inline Frame
frame_arp (const char *from, const char *sender_mac, const char *sender_ip, const char *target_ip,
           guint8 operation)
{
  Frame f = frame_new ("ff:ff:ff:ff:ff:ff", from, ETH_P_ARP);
  guint8 head[] = { 0, 1, 8, 0, 6, 4, 0, operation };
  guint8 mac[6], zero[6] = { 0 };

  parse_mac (sender_mac, mac);
  frame_put (&f, head, sizeof head);
  frame_put (&f, mac, 6);
  frame_put_ip (&f, sender_ip);
  frame_put (&f, zero, 6);
  frame_put_ip (&f, target_ip);
  return f;
}

/* UDP in IPv4, checksum of UDP left out. */
static inline Frame
frame_udp (const char *to, const char *from, const char *source, const char *destination,
           guint16 source_port, guint16 port, const char *text)
{
  Frame f = frame_new (to, from, ETH_P_IP);
  guint16 size = (guint16)strlen (text);
  guint8 ip[12] = { 0x45, 0, 0, (guint8)(28 + size), 0, 1, 0, 0, 64, 17, 0, 0 };
  guint16 udp[4] = { htons (source_port), htons (port), htons ((guint16)(8 + size)), 0 };
  guint32 sum = 0;
  guint8 *start = f.bytes + f.length;

  frame_put (&f, ip, sizeof ip);
  frame_put_ip (&f, source);
  frame_put_ip (&f, destination);
  for (gsize i = 0; i < 20; i += 2)
    sum += (guint32)start[i] << 8 | start[i + 1];
  sum = (sum & 0xffff) + (sum >> 16);
  sum = ~(sum + (sum >> 16));
  start[10] = (guint8)(sum >> 8);
  start[11] = (guint8)sum;
  frame_put (&f, udp, sizeof udp);
  frame_put (&f, text, size);
  return f;
}

typedef struct
{
  int fd;
  int index;
} Wire;

/* A packet socket on LINK; hears everything that comes in there, and nothing before it is bound. */
static inline Wire
wire_open (const char *netns, const char *link)
{
  Wire wire = { socket_in (netns, AF_PACKET, SOCK_RAW, 0), 0 };
  struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons (ETH_P_ALL) };
  struct ifreq request = { 0 };
  int room = 8 << 20; /* the usual one holds less than 300 short frames, and drops the rest */

  assert_int_equal (setsockopt (wire.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room), 0);
  g_strlcpy (request.ifr_name, link, sizeof request.ifr_name);
  assert_int_equal (ioctl (wire.fd, SIOCGIFINDEX, &request), 0);
  wire.index = address.sll_ifindex = request.ifr_ifindex;
  assert_int_equal (bind (wire.fd, (struct sockaddr *)&address, sizeof address), 0);
  return wire;
}

static inline void
wire_send (const Wire *wire, const Frame *frame)
{
  struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = wire->index, .sll_halen = 6 };

  memcpy (to.sll_addr, frame->bytes, 6);
  assert_int_equal (
      sendto (wire->fd, frame->bytes, frame->length, 0, (struct sockaddr *)&to, sizeof to),
      (ssize_t)frame->length);
}

/* Reads what comes in until the MARKER (any bytes of a frame) is seen; TRUE if a frame with WANTED
 * came before it. Fails if the marker does not come. */
static inline gboolean
wire_saw_before (const Wire *wire, const void *wanted, gsize wanted_size, const char *marker)
{
  gboolean saw = FALSE;

  for (;;)
    {
      guint8 buffer[2048];
      struct sockaddr_ll from;
      socklen_t length = sizeof from;
      gssize n;

      if (!wait_for (wire->fd, POLLIN, ARRIVES_MS))
        fail_msg ("the marker \"%s\" did not come", marker);
      n = recvfrom (wire->fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length);
      if (n < 0 || from.sll_pkttype == PACKET_OUTGOING)
        continue;
      if (memmem (buffer, (gsize)n, marker, strlen (marker)) != NULL)
        return saw;
      saw = saw || memmem (buffer, (gsize)n, wanted, wanted_size) != NULL;
    }
}
