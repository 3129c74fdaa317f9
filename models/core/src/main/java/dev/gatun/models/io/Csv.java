package dev.gatun.models.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Comma-separated values of RFC 4180 in UTF-8: fields in quotes may have commas, line ends and doubled quotes. */
public final class Csv {
    private final Path file;
    private final String text;
    private int at;
    private int line = 1;

    private Csv(Path file, String text) {
        this.file = file;
        this.text = text;
    }

    /**
     * Two columns of a file, which are found by the names in its first line.
     *
     * @return a pair for each record, as often as there are records
     * @throws IOException that names file and line: if it is not UTF-8, a column is missing, a record has too few or too many fields, or a
     *                     quote is open or in the wrong place
     */
    public static List<String[]> columns(Path file, String first, String second) throws IOException {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(Files.readAllBytes(file))).toString();
        } catch (CharacterCodingException e) {
            throw new IOException(file + ": is not UTF-8", e);
        }
        Csv csv = new Csv(file, text.startsWith("\uFEFF") ? text.substring(1) : text);
        List<String> names = csv.done() ? List.of() : csv.record();
        int a = names.indexOf(first);
        int b = names.indexOf(second);
        if (a < 0 || b < 0) {
            throw new IOException(file + ": the first line names the columns " + names + ", expected " + first + " and " + second
                    + " among them");
        }
        List<String[]> records = new ArrayList<>();
        while (!csv.done()) {
            int start = csv.line;
            List<String> fields = csv.record();
            if (fields.size() == 1 && fields.getFirst().isEmpty()) {
                continue;
            }
            if (fields.size() != names.size()) {
                throw new IOException(file + ", line " + start + ": has " + fields.size() + " fields, the first line " + names.size());
            }
            records.add(new String[] {fields.get(a), fields.get(b)});
        }
        return records;
    }

    private boolean done() {
        return at == text.length();
    }

    private List<String> record() throws IOException {
        List<String> fields = new ArrayList<>();
        do {
            fields.add(!done() && text.charAt(at) == '"' ? quoted() : plain());
        } while (!done() && text.charAt(at++) == ',');
        if (at > 0 && text.charAt(at - 1) == '\r' && !done() && text.charAt(at) == '\n') {
            at++;
        }
        line++;
        return fields;
    }

    private String plain() throws IOException {
        int start = at;
        while (!done() && ",\r\n".indexOf(text.charAt(at)) < 0) {
            if (text.charAt(at) == '"') {
                throw new IOException(file + ", line " + line + ": a quote within a field that does not begin with one");
            }
            at++;
        }
        return text.substring(start, at);
    }

    private String quoted() throws IOException {
        int start = line;
        StringBuilder field = new StringBuilder();
        at++;
        while (!done()) {
            char c = text.charAt(at++);
            if (c != '"') {
                line += c == '\n' ? 1 : 0;
                field.append(c);
            } else if (!done() && text.charAt(at) == '"') {
                field.append('"');
                at++;
            } else if (done() || ",\r\n".indexOf(text.charAt(at)) >= 0) {
                return field.toString();
            } else {
                throw new IOException(file + ", line " + line + ": something follows a quote that ends a field");
            }
        }
        throw new IOException(file + ", line " + start + ": a quote is not closed");
    }
}
