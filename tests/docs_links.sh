#!/bin/sh
# Every relative link, and every path named in backquotes, in the repository's Markdown files exists.
# A path is looked for beside its file, at the top, and as the end of a longer one (`src/order.c` of a
# new project, `millrace/handler.h` of the SDK). What holds a capital, a star or a variable is an example.
# usage: docs_links.sh SOURCE_DIRECTORY
set -eu
cd "$1"
rooms=$(find . -maxdepth 2 -name CMakeLists.txt -path './*/*' | sed 's|^\./||; s|/.*||' | tr '\n' ' ')

files=$(mktemp)
trap 'rm -f "$files"' EXIT
find . -type f -not -path './build/*' -not -path './.git/*' -not -path '*/node_modules/*' | sed 's|^\.||' >"$files"

# 1: link or path, 2: a file, 3: what it names
exists() {
    [ -e "$(dirname "$2")/$3" ] && return 0
    [ "$1" = path ] && { [ -e "$3" ] || awk -v end="/$3" \
        'substr($0, length($0) - length(end) + 1) == end { found = 1; exit } END { exit !found }' "$files"; }
}

# Lines "kind target": a link is what [text](target) says, a path what stands in backquotes.
targets() {
    sed '/^ *```/,/^ *```/d' "$1" | grep -v '^    ' |
        awk '{
            line = $0
            while (match(line, /\]\([^)]*\)/)) {
                print "link", substr(line, RSTART + 2, RLENGTH - 3)
                line = substr(line, RSTART + RLENGTH)
            }
            line = $0
            while (match(line, /`[^` ]*`/)) {
                print "path", substr(line, RSTART + 1, RLENGTH - 2)
                line = substr(line, RSTART + RLENGTH)
            }
        }'
}

is_ours() {
    case $1 in
    *[A-Z*\$:\<\{~]*) case $1 in */README.md | README.md | LICENSE | */CMakeLists.txt) return 0 ;; esac
        return 1 ;;
    /* | ./*) return 1 ;;
    *.c | *.h | *.md | *.sh | *.cmake) return 0 ;;
    esac
    for room in $rooms docs scripts cmake; do
        case $1 in "$room"/*) return 0 ;; esac
    done
    return 1
}

wrong=0 looked=0
for file in $(sed -n 's|^/\(.*\.md\)$|\1|p' "$files" | sort); do
    list=$(targets "$file")
    while read -r kind target; do
        [ -n "$kind" ] || continue
        target=${target%%#*}
        case $kind:$target in
        link: | link:*://* | link:mailto:*) continue ;;
        link:*) ;;
        *) is_ours "$target" || continue ;;
        esac
        looked=$((looked + 1))
        exists "$kind" "$file" "$target" || { echo "$file names $target: there is no such file"; wrong=$((wrong + 1)); }
    done <<END
$list
END
done
[ "$looked" -gt 50 ] || { echo "only $looked names found in $1: is it the source directory?"; exit 1; }
echo "$looked names, $wrong of them wrong"
[ "$wrong" -eq 0 ]
