# Makes a place out of new namespaces: $1 is the program under test, $2 the name of the place. Says the number of this
# process, as the outside knows it, when all is ready; lives until its standard input ends.
set -eu
# This is still the outside's /proc.
read -r pid _ < /proc/self/stat
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mkdir -m 1777 run/screen
mkdir run/sshd run/netns
# What is written in the place can be seen there.
mount --bind /mnt media
# What tells of the machine that runs the tests, and what would open a browser.
if [ -d sys/class/dmi/id ]; then mount -t tmpfs -o mode=755 tmpfs sys/class/dmi/id; fi
rm -f .dockerenv usr/bin/xdg-open usr/bin/x-www-browser usr/bin/gio usr/bin/wslview
: > usr/local/bin/aldis
mount --bind "$1" usr/local/bin/aldis
rm -rf root/.aws root/.local/state/aldis etc/aldis home/jo
echo "jo:x:4242:4242::/home/jo:/bin/bash" >> etc/passwd
# `*` and not `!`: nobody has that password, but sshd lets the person in with a key.
echo "jo:*:19000:0:99999:7:::" >> etc/shadow
echo "jo:x:4242:" >> etc/group
mkdir -p -m 700 home/jo
echo "PS1='\h\$ '; unset HISTFILE" > home/jo/.bashrc
echo "PS1='\h# '; unset HISTFILE" > root/.bashrc
for home in home/jo root; do
    rm -f $home/.bash_profile $home/.bash_login
    echo ". ~/.bashrc" > $home/.profile
done
chown -R 4242:4242 home/jo
echo "127.0.0.1 localhost $2" > etc/hosts
pivot_root . .
umount -l .
cd /
hostname "$2"
ip link set lo up
echo "$pid"
# As the first process it takes in those whose parents are gone.
trap : CHLD
while read -r _; do :; done
