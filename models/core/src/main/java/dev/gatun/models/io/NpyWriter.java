package dev.gatun.models.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Writes a float32 {@code .npy} of [rows, columns] row by row, without knowing beforehand how many. The file appears
 * under its name only when {@link #finish} is called: what fails leaves nothing half-written. Format: numpy's
 * {@code numpy.lib.format}, version 1.0. One thread.
 */
public final class NpyWriter implements AutoCloseable {
    private static final int HEADER_BYTES = 128;

    private final PartFile file;
    private final long columns;
    private long rows;

    private NpyWriter(PartFile file, long columns, long rows) {
        this.file = file;
        this.columns = columns;
        this.rows = rows;
    }

    /** Begins a file; an existing one is replaced at the end. */
    public static NpyWriter create(Path target, long columns) throws IOException {
        return open(target, columns, false);
    }

    /**
     * Begins a file, or goes on with what an earlier writer left of it: whole rows stay, see {@link #rows}.
     *
     * @param resume whether to go on, and to leave what is written for the next if {@link #finish} is not reached
     * @throws IOException              if the file is a pipe or a device: a header is written last
     * @throws IllegalArgumentException if columns is negative, or a row larger than an array can be
     */
    public static NpyWriter open(Path target, long columns, boolean resume) throws IOException {
        if (columns < 0 || columns > Integer.MAX_VALUE / Float.BYTES) {
            throw new IllegalArgumentException("columns must be 0 to " + Integer.MAX_VALUE / Float.BYTES + ", not " + columns);
        }
        PartFile file = PartFile.open(target, resume);
        try {
            if (file.isDirect()) {
                throw new IOException(target + ": is a pipe or a device; .npy needs a file, JSON lines (.jsonl) do not");
            }
            long rowBytes = Math.max(1, columns * Float.BYTES);
            long rows = columns == 0 ? 0 : Math.max(0, file.channel().size() - HEADER_BYTES) / rowBytes;
            file.channel().truncate(HEADER_BYTES + rows * rowBytes);
            file.channel().position(HEADER_BYTES + rows * rowBytes);
            return new NpyWriter(file, columns, rows);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** How many rows are written. */
    public long rows() {
        return rows;
    }

    /**
     * The last row that is written.
     *
     * @throws IllegalStateException if there is none
     */
    public float[] lastRow() throws IOException {
        if (rows == 0) {
            throw new IllegalStateException("no row is written yet");
        }
        ByteBuffer row = ByteBuffer.allocate(Math.toIntExact(columns * Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        long at = HEADER_BYTES + (rows - 1) * columns * Float.BYTES;
        while (row.hasRemaining() && file.channel().read(row, at + row.position()) >= 0) {
            // A read may give less than was asked for.
        }
        float[] values = new float[Math.toIntExact(columns)];
        row.flip().asFloatBuffer().get(values);
        return values;
    }

    /** Appends rows. */
    public void write(MemorySegment values, long count) throws IOException {
        file.write(values.asSlice(0, count * columns * Float.BYTES).asByteBuffer());
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
        file.channel().position(0);
        file.write(bytes);
        file.finish();
    }

    /** Removes what was written, unless {@link #finish} was reached or it is to be resumed. May come from another thread. */
    @Override
    public void close() throws IOException {
        file.close();
    }
}
