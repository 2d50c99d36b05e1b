/*
 * The least that a server can do to tell many clients of one change: fan_out_floor ZOO_CFG
 *
 *   cc -O2 -o fan_out_floor benches/server/fan_out_floor.c
 *
 * One thread, epoll, no log, no tree. Every request gets an answer of the right form. Who asks with
 * a watch is noted, and a setData sends one ready-made event to each of them, with nothing between
 * two sends. A load generator that has thousands of sessions watch one node shows with it what the
 * system's sends cost by themselves: no server that sends its events one by one is below that.
 *
 * The file named needs the line clientPort=N; nothing else in it is looked at. Linux only. Requests
 * are trusted to be whole and well-formed: this is for measuring on a machine of one's own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CREATE = 1, EXISTS = 3, GET_DATA = 4, SET_DATA = 5, CREATE2 = 15, CLOSE_SESSION = -11 };
enum { HEADER = 16, STAT = 68, GREETING = 37, DATA = 16, FILES = 1 << 16, READY = 1024 };
/* The watched node, as events name it: what it is called makes no difference but for its length. */
static const char PATH[] = "/zkload/fan";

static bool is_new[FILES], watches[FILES];
static int watchers[FILES], watcher_count;
static uint8_t event[128];
static int event_len;
static int64_t zxid, sessions;

static void put32(uint8_t *at, int32_t value) { value = htonl(value); memcpy(at, &value, 4); }
static void put64(uint8_t *at, int64_t value) { value = htobe64(value); memcpy(at, &value, 8); }
static int32_t get32(const uint8_t *at) { int32_t value; memcpy(&value, at, 4); return ntohl(value); }

/* A header with the xid of notifications, NodeDataChanged, SyncConnected, the path. */
static void make_event(void)
{
    int path_len = sizeof PATH - 1;
    put32(event, HEADER + 3 * 4 + path_len);
    put32(event + 4, -1);
    put64(event + 8, -1);
    put32(event + 20, 3);
    put32(event + 24, 3);
    put32(event + 28, path_len);
    memcpy(event + 32, PATH, path_len);
    event_len = 32 + path_len;
}

/* Answers one frame; the bytes of the answer, its length included. */
static int answer(int fd, const uint8_t *request, uint8_t *out, bool *fires, bool *ends)
{
    memset(out, 0, 4 + HEADER + 256);
    if (is_new[fd]) {
        is_new[fd] = false;
        put32(out, GREETING);
        put32(out + 8, 30000);
        put64(out + 12, 0x1000 + ++sessions);
        put32(out + 20, 16);
        return 4 + GREETING;
    }
    int op = get32(request + 4), path_len = op == CLOSE_SESSION ? 0 : get32(request + 8);
    int len = HEADER;
    put32(out + 4, get32(request));
    switch (op) {
    case GET_DATA:
        put32(out + 4 + HEADER, DATA);
        len += 4 + DATA + STAT;
        if (request[12 + path_len] && !watches[fd]) {
            watches[fd] = true;
            watchers[watcher_count++] = fd;
        }
        break;
    case SET_DATA:
        zxid++;
        len += STAT;
        *fires = true;
        break;
    case EXISTS:
        len += STAT;
        break;
    case CREATE:
    case CREATE2:
        zxid++;
        put32(out + 4 + HEADER, path_len);
        memcpy(out + 8 + HEADER, request + 12, path_len);
        len += 4 + path_len + (op == CREATE2 ? STAT : 0);
        break;
    case CLOSE_SESSION:
        *ends = true;
        break;
    }
    put64(out + 8, zxid);
    put32(out, len);
    return 4 + len;
}

static void serve(int fd)
{
    static uint8_t in[1 << 16], out[1 << 20];
    ssize_t read = recv(fd, in, sizeof in, 0);
    if (read <= 0) {
        close(fd);
        return;
    }
    if (is_new[fd] && read >= 4 && (!memcmp(in, "ruok", 4) || !memcmp(in, "srvr", 4))) {
        send(fd, in[0] == 'r' ? "imok" : "Mode: standalone\n", in[0] == 'r' ? 4 : 17, MSG_NOSIGNAL);
        close(fd);
        return;
    }
    bool fires = false, ends = false;
    int len = 0;
    for (ssize_t at = 0; at + 4 <= read; at += 4 + get32(in + at))
        len += answer(fd, in + at + 4, out + len, &fires, &ends);
    if (fires) {
        int count = watcher_count;
        watcher_count = 0;
        for (int i = 0; i < count; i++) {
            watches[watchers[i]] = false;
            send(watchers[i], event, event_len, MSG_NOSIGNAL);
        }
    }
    if (len > 0)
        send(fd, out, len, MSG_NOSIGNAL);
    if (ends)
        close(fd);
}

static int port_of(const char *path)
{
    char line[256];
    int port = 0;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "clientPort=%d", &port);
    return port;
}

int main(int count, char **arguments)
{
    static struct epoll_event ready[READY];
    int port = count > 1 ? port_of(arguments[count - 1]) : 0, yes = 1;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (!port || bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
        perror("fan_out_floor: no clientPort in the file, or it is taken");
        return 1;
    }
    make_event();
    int poll = epoll_create1(0);
    struct epoll_event wanted = { .events = EPOLLIN, .data.fd = listener };
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int events = epoll_wait(poll, ready, READY, -1);
        for (int i = 0; i < events; i++) {
            if (ready[i].data.fd != listener) {
                serve(ready[i].data.fd);
                continue;
            }
            int fd;
            while ((fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0 && fd < FILES) {
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                is_new[fd] = true;
                watches[fd] = false;
                wanted = (struct epoll_event){ .events = EPOLLIN, .data.fd = fd };
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted);
            }
        }
    }
}
