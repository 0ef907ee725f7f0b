#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/sandbox/session.h"
#include "tests/suite.h"

/* What people run in functions runs under the default profile without one refused call. */
static const struct {
    const char *needs; /* a program, without which it is skipped */
    const char *script;
    const char *says;
} workloads[] = {
    { "/usr/bin/python3",
      "python3 -c 'import threading, queue\nq = queue.Queue()\n"
      "ts = [threading.Thread(target=lambda i=i: q.put(i * i)) for i in range(8)]\n"
      "[t.start() for t in ts]; [t.join() for t in ts]\nprint(sum(q.queue))'",
      "140" },
    { "/usr/bin/python3",
      "python3 -c 'import asyncio\nasync def f(i): await asyncio.sleep(0.01); return i\n"
      "async def g(): return sum(await asyncio.gather(*[f(i) for i in range(10)]))\n"
      "print(asyncio.run(g()))'",
      "45" },
    { "/usr/bin/python3",
      "python3 -c 'import sqlite3, ssl, hashlib, json, tempfile, subprocess\n"
      "c = sqlite3.connect(tempfile.mktemp()); c.execute(\"create table t(a)\")\n"
      "c.execute(\"insert into t values (7)\"); c.commit(); ssl.create_default_context()\n"
      "print(c.execute(\"select a from t\").fetchone()[0], subprocess.check_output([\"echo\", "
      "\"sub\"]).decode().strip())'",
      "7 sub" },
    { "/usr/bin/python3",
      "cd /tmp; cat > m.py <<X\nimport multiprocessing as m\ndef f(c): c.send(41 + 1)\n"
      "if __name__ == '__main__':\n a, b = m.Pipe(); p = m.Process(target=f, args=(b,))\n"
      " p.start(); print(a.recv()); p.join()\nX\npython3 m.py",
      "42" },
    { "/usr/bin/node",
      "node -e 'const {Worker} = require(\"worker_threads\"), http = require(\"http\"), "
      "cp = require(\"child_process\"); const s = http.createServer((q, r) => "
      "r.end(cp.execSync(\"echo served\"))).listen(0, \"127.0.0.1\", () => http.get({port: "
      "s.address().port, host: \"127.0.0.1\"}, r => r.on(\"data\", d => { new "
      "Worker(\"console.log(6*7)\", "
      "{eval: true}).on(\"exit\", () => { console.log(\"\" + d); s.close() }) })))'",
      "served" },
    { "/usr/bin/perl",
      "perl -e 'print join(\",\", map { $_ * 2 } 1..3), \"\\n\"; print `echo sub`'", "2,4,6" },
    { "/bin/bash",
      "cd /tmp; mkdir -p a/b; for i in 1 2 3; do echo $i > a/b/$i; done; tar cf x.tar a; gzip "
      "x.tar; "
      "tar tzf x.tar.gz | wc -l; mkfifo p; (echo through > p &); cat p; find a -type f | sort "
      "| xargs cat",
      "through" },
    { "/usr/bin/gcc",
      "cd /tmp; printf '#include <stdio.h>\\n#include <pthread.h>\\nstatic void *f(void *p) { "
      "return "
      "p; }\\nint main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); "
      "puts(\"compiled\"); }\\n' > a.c; gcc -O1 -o a a.c -lpthread && ./a",
      "compiled" },
    { "/usr/bin/git",
      "cd /tmp; export HOME=/tmp; git init -q r && cd r && git config user.email a@b && git "
      "config "
      "user.name c && echo x > f && git add f && git commit -qm one && git log --oneline | wc "
      "-l",
      "1" },
    { "/usr/bin/curl", "curl -s file:///etc/hostname", "sandbox.localdomain" },
    { "/usr/bin/awk",
      "echo 1 2 3 | awk '{ print $1 + $2 + $3 }'; date -u +%Z; getent passwd 993",
      "sbx_user1051" },
};

static struct session session;

START_TEST(an_ordinary_workload_is_refused_nothing)
{
    if (access(workloads[_i].needs, X_OK) < 0) {
        printf("skipped: no %s here\n", workloads[_i].needs);
        return;
    }
    const struct mr_sandbox_launch launch = { .memory_mb = 2048 };
    session_open(&session, false, 0);

    const char *log = session_run(&session, 1, workloads[_i].script, &launch);

    ck_assert_msg(strstr(log, workloads[_i].says) != NULL, "%s\n%s", log,
                  session.places[1].failure.text);
    ck_assert_msg(session.places[1].exit.usage.denied_calls == 0, "%s: %u refused",
                  session.places[1].denied, session.places[1].exit.usage.denied_calls);
    ck_assert_msg(session.places[1].exit.status == 0, "%s: %s", session.places[1].exit.text,
                  log);
    session_close(&session);
}
END_TEST

MR_SUITE("sandbox.workloads", MR_TEST_LOOP(an_ordinary_workload_is_refused_nothing,
                                           sizeof(workloads) / sizeof(workloads[0])))
