package dev.gatun.models.io;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Lines of a UTF-8 text, one after the other; what is not UTF-8 is an error that names the line. One thread. */
public final class Utf8Lines implements AutoCloseable {
    private static final int MAX_LINE = 1 << 28;

    private final String name;
    private final InputStream in;
    private long line;
    private boolean started;

    private Utf8Lines(String name, InputStream in) {
        this.name = name;
        this.in = new BufferedInputStream(in, 1 << 16);
    }

    /**
     * Opens a file, or standard input for {@code -}.
     *
     * @throws IOException that names the file, if it cannot be opened
     */
    public static Utf8Lines open(String file) throws IOException {
        if (file.equals("-")) {
            return new Utf8Lines("standard input", System.in);
        }
        if (Files.isDirectory(Path.of(file))) {
            throw new IOException(file + ": is a folder, expected a file");
        }
        try {
            return new Utf8Lines(file, Files.newInputStream(Path.of(file)));
        } catch (NoSuchFileException e) {
            throw new IOException(file + ": does not exist", e);
        } catch (AccessDeniedException e) {
            throw new IOException(file + ": may not be read by this user", e);
        }
    }

    /**
     * A whole text, with the ends of its lines as they are.
     *
     * @param file {@code -} for standard input
     * @throws IOException that names the file, if it cannot be opened or is not UTF-8
     */
    public static String whole(String file) throws IOException {
        try (Utf8Lines lines = open(file)) {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(lines.in.readAllBytes())).toString();
        } catch (CharacterCodingException e) {
            throw new IOException((file.equals("-") ? "standard input" : file) + ": is not valid UTF-8; convert the text first", e);
        }
    }

    /**
     * The next line without its end (LF or CRLF; a CR elsewhere belongs to the line), or null after the last. A last line without an end
     * counts; a byte order mark at the start is skipped.
     *
     * @throws IOException if the line is not valid UTF-8, or longer than 256 MiB
     */
    public String next() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int b = in.read();
        if (b < 0) {
            return null;
        }
        line++;
        while (b >= 0 && b != '\n') {
            if (bytes.size() == MAX_LINE) {
                throw new IOException(name + ": line " + line + " is longer than " + MAX_LINE + " bytes; is it a text?");
            }
            bytes.write(b);
            b = in.read();
        }
        byte[] content = bytes.toByteArray();
        boolean crlf = b == '\n' && content.length > 0 && content[content.length - 1] == '\r';
        int end = crlf ? content.length - 1 : content.length;
        ByteBuffer buffer = ByteBuffer.wrap(content, 0, end);
        try {
            String text = StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT).decode(buffer).toString();
            boolean first = !started;
            started = true;
            return first && text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new IOException(name + ": line " + line + ": byte " + (buffer.position() + 1)
                    + " is not valid UTF-8; convert the text first", e);
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
