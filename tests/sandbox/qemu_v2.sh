#!/bin/bash
# Runs the sandbox's tests on a pure cgroup v2 host, as root and in a delegated
# group: a Debian kernel under qemu, with nothing of this machine but its files.
#
#   tests/sandbox/qemu_v2.sh [BUILD] [KERNEL]     BUILD: build/debug
#       KERNEL: a linux-image-*-cloud-amd64 package; the newest of Debian's by default
#
# Needs qemu-system-x86, busybox-static and cpio; no root; QEMU_ACCEL=kvm is faster where it works. Some minutes.
set -euo pipefail
build=$(realpath "${1:-build/debug}")
kernel=${2:-$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2 }')}
for tool in qemu-system-x86_64 busybox cpio ldd; do
    command -v $tool > /dev/null || { echo "qemu_v2: install qemu-system-x86, busybox-static and cpio ($tool is missing)"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=${XDG_CACHE_HOME:-$HOME/.cache}/millrace-qemu
mkdir -p "$cache" "$work/root"
if ! ls "$cache/$kernel"_*.deb > /dev/null 2>&1; then
    (cd "$cache" && apt-get download "$kernel")
fi
dpkg-deb -x "$(ls "$cache/$kernel"_*.deb | tail -1)" "$work/kernel"

# A root of this machine's own programs, and what they link.
root=$work/root
mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,etc,proc,sys,dev,tmp,run,t,root}
ln -s usr/bin "$root/bin"; ln -s usr/sbin "$root/sbin"; ln -s usr/lib "$root/lib"; ln -s usr/lib64 "$root/lib64"
take() {
    local file
    for file in "$@"; do
        cp -L --parents "$file" "$root" 2> /dev/null || continue
        ldd "$file" 2> /dev/null | grep -o '/[^ ]*' | while read -r library; do
            [ -e "$root$library" ] || cp -L --parents "$library" "$root"
        done
    done
}
take /usr/bin/{bash,dash,cat,cut,du,echo,env,find,grep,head,id,ls,mkdir,python3,rm,setsid,sleep,sort,stat,su,tail,touch,tr,sed,xargs,timeout,wc,chmod,true}
cp "$(command -v busybox)" "$root/usr/bin/busybox"
cp -a /usr/lib/python3.11 "$root/usr/lib/" && rm -rf "$root/usr/lib/python3.11/"{test,idlelib,distutils,lib2to3,ensurepip}
for file in /usr/lib/python3.11/lib-dynload/_{ctypes,sqlite3,ssl,hashlib,lzma,bz2}.*.so; do take "$file"; done
ln -sf dash "$root/usr/bin/sh"
printf 'root:x:0:0::/:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n' > "$root/etc/passwd"
mkdir -p "$root/usr/share" "$root$build/bin" "$root$build/escape"
for file in bin/millrace-sandboxd bin/sandbox_run tests/sandbox/sandbox_as_nobody escape/sandbox_escape \
            tests/sandbox/test_sandbox_{launch,cgroup,escape,kill_points}; do
    take "$build/$file"
done
find "$work/kernel" -name 'overlay.ko*' -exec cp {} "$root/t/" \;
if [ -e "$root/t/overlay.ko.xz" ]; then xz -d "$root/t/overlay.ko.xz"; fi

cat > "$root/t/tests" << INNER
#!/bin/bash
export PATH=/usr/bin:/usr/sbin
mount() { busybox mount "\$@"; }
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
mount -t cgroup2 none /sys/fs/cgroup; busybox ip link set lo up
busybox insmod /t/overlay.ko* 2> /dev/null
[ -c /dev/null ] || exit 1
echo "KERNEL \$(busybox uname -r)"
cd /t
run() { echo "== \$1: \$2"; timeout 300 \$2 2>&1 | grep -vE '^(contained|skipped) |ERROR sandbox' | tail -40; }
echo "ROOT \$($build/bin/millrace-sandboxd --check)"
for test in cgroup launch escape; do run root $build/tests/sandbox/test_sandbox_\$test; done
left=\$(find /sys/fs/cgroup -name 'millrace-sandboxd-*' | wc -l)
echo "groups left: \$left"
# What systemd does for a user service with Delegate=yes.
echo '+memory +cpu +pids' > /sys/fs/cgroup/cgroup.subtree_control
busybox mkdir -p /sys/fs/cgroup/user
busybox chown 65534 /sys/fs/cgroup/user /sys/fs/cgroup/user/cgroup.procs /sys/fs/cgroup/user/cgroup.subtree_control
echo \$\$ > /sys/fs/cgroup/user/cgroup.procs
echo "DELEGATED \$(MILLRACE_SANDBOXD=$build/bin/millrace-sandboxd $build/tests/sandbox/sandbox_as_nobody --check)"
for test in launch escape; do run delegated $build/tests/sandbox/test_sandbox_\$test; done
echo DONE
busybox poweroff -f
INNER
cat > "$root/init" << 'INNER'
#!/bin/busybox sh
/bin/busybox mkdir /new
/bin/busybox mount -t tmpfs -o size=1200m,mode=755 none /new
for d in usr bin sbin lib lib64 etc proc sys dev tmp run t root work home opt; do
    [ -e /$d ] && /bin/busybox cp -a /$d /new/ 2> /dev/null
done
/bin/busybox chmod 1777 /new/tmp
exec /bin/busybox switch_root /new /t/tests
INNER
chmod 755 "$root/init" "$root/t/tests"
top=${build#/}
if [ ! -e "$root/${top%%/*}" ]; then echo "qemu_v2: $build was not copied"; exit 1; fi
sed -i "s/work home opt/${top%%\/*}/" "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initramfs"
timeout 900 qemu-system-x86_64 -accel "${QEMU_ACCEL:-tcg}" -cpu max -m 3072 -smp 2 -nographic -no-reboot -net none \
    -kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet loglevel=1 panic=-1 lsm=landlock" < /dev/null | tee "$work/log"
grep -q '^DONE' "$work/log" || { echo "qemu_v2: the tests did not come to their end"; exit 1; }
[ "$(grep -c '^100%: Checks' "$work/log")" = 5 ] || { echo "qemu_v2: not every test passed"; exit 1; }
if grep -qE 'Failures: [1-9]|Errors: [1-9]|groups left: [1-9]' "$work/log"; then
    exit 1
fi
echo "qemu_v2: all passed"
