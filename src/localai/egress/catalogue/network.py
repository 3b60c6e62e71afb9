"""The probes of ``egress.probes.network``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_CALL = ("seccomp", "namespaces")
_CONNECTION = ("seccomp", "landlock", "namespaces")
_RAW = ("seccomp", "capabilities", "account", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "tcp4": Explanation(
        "Connects a TCP socket to an address and sends the nonce.",
        "It is the plainest way out, and the first that code hidden in a model would take.",
        _CONNECTION,
        "In February 2024 JFrog reported a model on Hugging Face that opened a reverse shell to a"
        " fixed address as soon as it was loaded.",
    ),
    "tcp6": Explanation(
        "Connects a TCP socket to an IPv6 address and sends the nonce.",
        "Firewalls that were written for IPv4 often leave IPv6 open beside it.",
        _CONNECTION,
        "In 2015 a study of commercial VPN clients (Perta and others) found that most of them let"
        " IPv6 traffic pass outside the tunnel.",
    ),
    "udp4": Explanation(
        "Sends the nonce in one UDP datagram.",
        "One packet is enough, and Landlock 7 has no rule for UDP.",
        _CALL,
        "SQL Slammer (CVE-2002-0649) needed a single UDP datagram to leave a host in 2003.",
    ),
    "udp6": Explanation(
        "Sends the nonce in one UDP datagram over IPv6.",
        "A host can have an IPv6 address that nobody configured, by router advertisements.",
        _CALL,
    ),
    "udp-connected": Explanation(
        "Gives a UDP socket a peer with connect(2) and sends the nonce without an address.",
        "A filter that watches only the calls that name an address does not see this one.",
        _CALL,
    ),
    "udp-sendmsg": Explanation(
        "Sends the nonce in a UDP datagram with sendmsg(2).",
        "The address lies in memory that a seccomp filter cannot read: the call itself must go.",
        _CALL,
    ),
    "udp-sendmmsg": Explanation(
        "Sends the nonce in a UDP datagram with sendmmsg(2), which sends many at once.",
        "A list of forbidden calls that was written before Linux 3.0 does not have it.",
        _CALL,
    ),
    "udplite": Explanation(
        "Sends the nonce in a UDP-Lite datagram (RFC 3828).",
        "It is a protocol of its own, number 136, which rules for UDP do not match.",
        _CALL,
    ),
    "mptcp": Explanation(
        "Connects a Multipath TCP socket (RFC 8684) and sends the nonce.",
        "It reaches any TCP server, but Landlock's TCP rules do not hold it.",
        _CALL,
        "Landlock's erratum 1, fixed in 2025: its TCP rules had applied to MPTCP by mistake, and"
        " no longer do.",
    ),
    "fastopen": Explanation(
        "Sends the nonce on a TCP connection's first packet with MSG_FASTOPEN (RFC 7413).",
        "The connection is made by sendto(2): whoever forbids only connect(2) has missed it.",
        _CALL,
        "Landlock's TCP rules could be passed this way: reported in 2024 (landlock-lsm/linux issue"
        " 41), mended in Linux in 2026.",
    ),
    "fastopen-connect": Explanation(
        "Connects with TCP_FASTOPEN_CONNECT, which can delay the first packet until there is data.",
        "The connect(2) that a monitor sees may succeed before any packet was sent.",
        _CONNECTION,
    ),
    "broadcast": Explanation(
        "Sends the nonce in a UDP datagram to a broadcast address.",
        "It needs no route and no address, and every host on the network segment hears it.",
        _CALL,
        "CERT advisory CA-1998-01 (Smurf, 1998) was about how many hosts one broadcast reaches.",
    ),
    "multicast": Explanation(
        "Sends the nonce in a UDP datagram to the multicast group of mDNS, 224.0.0.251.",
        "Every host on the network segment that listens for service names hears it, with no route"
        " and no name server.",
        _CALL,
    ),
    "icmp-datagram": Explanation(
        "Sends the nonce in an ICMP echo request by a ping socket, which needs no capability.",
        "Ping passes many firewalls, and an echo request carries any bytes.",
        ("seccomp", "account", "namespaces"),
        "CVE-2015-3636 (2015): a flaw in ping sockets let any account become root.",
    ),
    "icmp-raw": Explanation(
        "Sends the nonce in an ICMP echo request by a raw socket.",
        "What root sends this way needs no port, so that lists of ports do not see it.",
        _RAW,
        "Project Loki (Phrack 49, 1996) ran a whole shell inside echo requests and replies.",
    ),
    "raw-ip": Explanation(
        "Writes an IP header of its own and sends the nonce below it by a raw socket (raw(7)).",
        "The sender's address and the protocol are whatever it says they are.",
        _RAW,
        "CVE-2017-17712 (2017): a race in sending such packets let a process gain privileges.",
    ),
    "packet": Explanation(
        "Sends the nonce in a frame of its own by a packet socket (packet(7)).",
        "It goes below IP, where the host's own firewall rules for IP do not look.",
        _RAW,
        "CVE-2020-14386 (2020): a flaw in packet sockets let an ordinary account become root.",
    ),
    "dns-datagram": Explanation(
        "Sends a DNS query for NONCE.invalid to a name server of its choice over UDP.",
        "Name servers pass questions on, so that a name which is asked for can leave a network"
        " that lets nothing else out.",
        _CALL,
        "SUNBURST (SolarWinds, 2020) reported its victims' names in the host names that it asked"
        " for.",
    ),
    "dns-stream": Explanation(
        "Sends a DNS query for NONCE.invalid over TCP (RFC 7766).",
        "A firewall that lets DNS out usually lets it out over TCP too.",
        _CONNECTION,
    ),
    "dns-libc": Explanation(
        "Has the C library's resolver ask for NONCE.invalid (resolver(3)).",
        "Any library that looks up a name does this, and an error says nothing about whether the"
        " query was on the wire.",
        _CALL,
        "CVE-2015-7547 (made public in 2016): an answer to such a query could run code in the"
        " process that asked.",
    ),
    "unix-stream": Explanation(
        "Connects to a local stream socket by its path and sends the nonce.",
        "Behind such paths are services that have a network, and a network namespace does not"
        " hold them off; Landlock 7 has no rule for them.",
        _CALL,
    ),
    "unix-datagram": Explanation(
        "Sends the nonce to a local datagram socket by its path.",
        "Loggers listen on such sockets, and many send on what they get to another host.",
        _CALL,
    ),
    "unix-seqpacket": Explanation(
        "Connects to an abstract local socket of the kind SOCK_SEQPACKET and sends the nonce.",
        "It has neither a path nor a stream: rules that know only those do not match.",
        _CONNECTION,
    ),
    "abstract-stream": Explanation(
        "Connects to a local stream socket in the abstract namespace and sends the nonce.",
        "Such a name has no file, so no file permission and no mount namespace guards it.",
        _CONNECTION,
        "CVE-2020-15257 (2020): containers on the host's network reached containerd's shim by an"
        " abstract socket.",
    ),
    "abstract-datagram": Explanation(
        "Sends the nonce to a local datagram socket in the abstract namespace.",
        "As with the stream there is no file to guard, and here there is no connection either.",
        _CONNECTION,
    ),
    "metadata": Explanation(
        "Connects to 169.254.169.254, where clouds serve a machine's credentials.",
        "What is asked there comes back with a key to the whole account, and the address needs no"
        " name server.",
        _CONNECTION,
        "Capital One, 2019: a server was made to ask this address for its role's keys, and some"
        " 100 million people's data was taken.",
    ),
    "netlink": Explanation(
        "Sends the nonce to another process by a netlink socket (netlink(7)).",
        "Netlink reaches other processes, and the kernel's own network settings too.",
        _CALL,
        "CVE-2023-32233 (2023): netlink messages to the packet filter let an ordinary account"
        " become root.",
    ),
}
