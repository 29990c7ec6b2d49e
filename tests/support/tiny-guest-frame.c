/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * frame: send any Ethernet frame, or show those that come in. The tiny guest's tool for being a
 * bad neighbour: what busybox cannot do (forged sources, raw ARP, IPv6 without a stack) is hex here.
 *
 *   frame send IF HEX [COUNT]        the whole frame from the destination address on
 *   frame sniff IF SECONDS [COUNT]   one line of hex per received frame; status 0 if there was one.
 *                                    Says "ready" on its standard error: what comes later is not missed
 */

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 2048

static int
fail (const char *what)
{
  perror (what);
  return 2;
}

static int
parse_hex (const char *text, unsigned char *frame)
{
  int length = 0;

  for (; length < FRAME_MAX; length++)
    {
      unsigned int byte;

      while (*text == ' ' || *text == ':')
        text++;
      if (sscanf (text, "%2x", &byte) != 1)
        break;
      frame[length] = byte;
      text += strnlen (text, 2);
    }
  return length;
}

static int
open_link (const char *name)
{
  struct sockaddr_ll address = {
    .sll_family = AF_PACKET,
    .sll_protocol = htons (ETH_P_ALL),
    .sll_ifindex = if_nametoindex (name),
  };
  /* Without a protocol it hears nothing until it is bound: bind() of a socket that hears already makes it
     deaf for a while. */
  int fd = socket (AF_PACKET, SOCK_RAW, 0);

  if (fd < 0 || address.sll_ifindex == 0 || bind (fd, (struct sockaddr *) &address, sizeof address))
    return -1;
  return fd;
}

static int
send_frames (int fd, const char *hex, int count)
{
  unsigned char frame[FRAME_MAX];
  int length = parse_hex (hex, frame);

  for (int i = 0; i < count; i++)
    if (send (fd, frame, length, 0) != length)
      return fail ("send");
  return 0;
}

static long
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

static int
sniff_frames (int fd, double seconds, int count)
{
  long end = now_ms () + (long) (seconds * 1000);
  int seen = 0;

  fprintf (stderr, "ready\n");
  while (seen < count && now_ms () < end)
    {
      struct pollfd ready = { .fd = fd, .events = POLLIN };
      struct sockaddr_ll from;
      socklen_t size = sizeof from;
      unsigned char frame[FRAME_MAX];
      ssize_t length;

      if (poll (&ready, 1, (int) (end - now_ms ())) <= 0)
        break;
      length = recvfrom (fd, frame, sizeof frame, 0, (struct sockaddr *) &from, &size);
      if (length < 0)
        return fail ("recv");
      if (from.sll_pkttype == PACKET_OUTGOING)
        continue;
      for (ssize_t i = 0; i < length; i++)
        printf ("%02x", frame[i]);
      printf ("\n");
      fflush (stdout);
      seen++;
    }
  return seen > 0 ? 0 : 1;
}

int
main (int argc, char **argv)
{
  int fd;

  if (argc < 4)
    {
      fprintf (stderr, "usage: frame send IF HEX [COUNT] | frame sniff IF SECONDS [COUNT]\n");
      return 64;
    }
  fd = open_link (argv[2]);
  if (fd < 0)
    return fail (argv[2]);
  if (strcmp (argv[1], "send") == 0)
    return send_frames (fd, argv[3], argc > 4 ? atoi (argv[4]) : 1);
  return sniff_frames (fd, atof (argv[3]), argc > 4 ? atoi (argv[4]) : 1000000);
}
