# From gatun.h: one line for each struct and for each of its fields, for layouts.cpp.
{ header = header $0 "\n" }
END {
    gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", header)
    while (match(header, /typedef struct \{[^}]*\}[ \n]*[a-z_0-9]+/)) {
        text = substr(header, RSTART, RLENGTH)
        header = substr(header, RSTART + RLENGTH)
        type = text
        sub(/.*\}[ \n]*/, "", type)
        sub(/typedef struct \{/, "", text)
        sub(/\}.*/, "", text)
        printf "{\"%s\", sizeof(%s)},\n", type, type
        count = split(text, fields, /[;,]/)
        for (i = 1; i <= count; i++) {
            gsub(/[ \n]+$/, "", fields[i])
            if (match(fields[i], /[A-Za-z_0-9]+$/)) {
                field = substr(fields[i], RSTART)
                printf "{\"%s.%s\", offsetof(%s, %s)},\n", type, field, type, field
            }
        }
    }
}
