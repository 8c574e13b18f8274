# Runs beside a throwaway server and outlives its owner. Standard input is a pipe whose other end only the owner holds:
# end of input means that the owner is gone, however it went. Then the server is stopped and its directory $1 removed.
dir=$1
while read -r _; do :; done

# Is process $1 the postmaster of our data directory? A process id read from a file may be somebody else's by now.
is_ours() {
    if [ -r /proc/self/cmdline ]; then
        tr '\0' '\n' <"/proc/$1/cmdline" | grep -qxF -e "$dir/data"
    else
        ps -o args= -p "$1" | grep -qF -e "-D $dir/data "
    fi
}

round=0
while [ -e "$dir" ] && [ "$round" -lt 500 ]; do
    pid=$(head -n 1 "$dir/data/postmaster.pid")
    if [ -n "$pid" ] && is_ours "$pid"; then
        # Immediate shutdown takes milliseconds. A postmaster still there after eight seconds is stuck.
        if [ "$round" -lt 400 ]; then kill -QUIT "$pid"; else kill -KILL "$pid"; fi
    else
        # Fails, and is tried again, while an initdb or a starting postmaster still writes here.
        rm -rf -- "$dir" && exit 0
    fi
    round=$((round + 1))
    sleep 0.02
done
