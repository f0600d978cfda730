#!/bin/sh
# What a busy host does, in about ten seconds, for the recording that the rules are timed over: a
# compiler, package queries, a web server with clients, shell scripts, archives, a Python program.
# Usage: mix.sh FOLDER (empty, for scratch files)
set -eu
cd "$1"

cat >hello.c <<'EOF'
#include <stdio.h>
#include <stdlib.h>
int main(void) { return printf("hello\n") < 0; }
EOF

compile() {
	for i in 1 2 3 4; do
		cp hello.c "unit$i.c"
		cc -O1 -c "unit$i.c" -o "unit$i.o"
	done
	cc hello.c -o hello && ./hello
}

packages() {
	dpkg -l >packages.txt
	dpkg -S /bin/sh /usr/bin/env
	apt-cache policy coreutils
	apt-cache search compiler | head -3
}

web() {
	port=$((20000 + $$ % 20000))
	/usr/bin/python3 -m http.server "$port" --bind 127.0.0.1 --directory . >/dev/null 2>&1 &
	server=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do
		sleep 0.1
		curl -s "http://127.0.0.1:$port/" >/dev/null && break
	done
	for i in $(seq 30); do
		curl -s "http://127.0.0.1:$port/hello.c" >"page$i"
	done
	kill "$server"
	wait "$server" || true
}

scripts() {
	for i in $(seq 40); do
		sh -c "echo line $i; id -u" >>log.txt
		grep -c line log.txt >/dev/null
		sort -r log.txt | head -1 | tr a-z A-Z >>log2.txt
	done
	find /etc -maxdepth 2 -name '*.conf' 2>/dev/null | xargs cat >conf.txt 2>/dev/null || true
	tar czf all.tar.gz ./*.txt && mkdir -p out && tar xzf all.tar.gz -C out
	rm -rf out && mv log2.txt log3.txt && ln -s log3.txt link && chmod 600 log3.txt
}

interpreter() {
	/usr/bin/python3 -c 'import json, sqlite3, http.client, email, glob
for name in glob.glob("/usr/lib/python3/dist-packages/*")[:200]:
    try: open(name, "rb").read()
    except OSError: pass
json.dump({"a": list(range(1000))}, open("a.json", "w"))'
}

# At once and one after the other, as jobs of a host do.
compile &
packages &
wait
web &
scripts &
wait
interpreter
compile
