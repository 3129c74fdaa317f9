package dev.gatun.models.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * Writes a float32 {@code .npy} of [rows, columns] row by row, without knowing beforehand how many. The file appears
 * under its name only when {@link #finish} is called: what fails leaves nothing half-written. Format: numpy's
 * {@code numpy.lib.format}, version 1.0. One thread.
 */
public final class NpyWriter implements AutoCloseable {
    private static final int HEADER_BYTES = 128;

    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    private final long columns;
    private long rows;
    private boolean finished;

    private NpyWriter(Path target, Path temporary, FileChannel channel, long columns) {
        this.target = target;
        this.temporary = temporary;
        this.channel = channel;
        this.columns = columns;
    }

    /** Begins a file; an existing one is replaced at the end. */
    public static NpyWriter create(Path target, long columns) throws IOException {
        if (Files.isDirectory(target)) {
            throw new IOException(target + ": is a folder, expected a file to write");
        }
        Path folder = target.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + ": is not a folder, cannot write " + target.getFileName());
        }
        // Not createTempFile: its files are for this user only, and the result should be as the umask says.
        Path temporary = folder.resolve(target.getFileName() + "." + UUID.randomUUID() + ".part");
        FileChannel channel;
        try {
            channel = FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        } catch (AccessDeniedException e) {
            throw new IOException(folder + ": may not be written by this user", e);
        }
        channel.position(HEADER_BYTES);
        return new NpyWriter(target, temporary, channel, columns);
    }

    /** Appends rows. */
    public void write(MemorySegment values, long count) throws IOException {
        ByteBuffer buffer = values.asSlice(0, count * columns * Float.BYTES).asByteBuffer();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        rows += count;
    }

    /** Writes the header and puts the file in place. */
    public void finish() throws IOException {
        String dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + rows + ", " + columns + "), }";
        StringBuilder header = new StringBuilder(dictionary);
        while (header.length() < HEADER_BYTES - 10 - 1) {
            header.append(' ');
        }
        header.append('\n');
        ByteBuffer bytes = ByteBuffer.allocate(HEADER_BYTES);
        bytes.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1).put((byte) 0);
        bytes.put((byte) (header.length() & 0xff)).put((byte) (header.length() >> 8));
        bytes.put(header.toString().getBytes(StandardCharsets.US_ASCII)).flip();
        channel.position(0);
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        channel.close();
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
        finished = true;
    }

    /** Removes what was written if {@link #finish} was not reached. */
    @Override
    public void close() throws IOException {
        if (!finished) {
            channel.close();
            Files.deleteIfExists(temporary);
        }
    }
}
