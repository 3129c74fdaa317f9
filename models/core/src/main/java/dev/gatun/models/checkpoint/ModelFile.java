package dev.gatun.models.checkpoint;

import dev.gatun.bindings.kernels.NativeBuffer;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * A model's file, read part by part and never mapped: a mapped file that another process shortens would end the process. It is opened
 * for each part, so nothing has to be closed, and each time it must be the file that it was. Only plain files, and links to them, are
 * opened: opening a pipe may wait for ever. Immutable and thread-safe.
 */
final class ModelFile {
    private static final long CHUNK = 1 << 30;
    private static final int LARGE = 1 << 16;
    private static final int ALIGNMENT = 64;
    private static final String POINTER = "version https://git-lfs.github.com/spec/";
    private static final int LONGEST_POINTER = 1024;

    private final Path path;
    private final long byteSize;
    private final BasicFileAttributes identity;
    private final MemorySegment memory;

    private ModelFile(Path path, long byteSize, BasicFileAttributes identity, MemorySegment memory) {
        this.path = path;
        this.byteSize = byteSize;
        this.identity = identity;
        this.memory = memory;
    }

    /**
     * Looks at a file.
     *
     * @throws WeightException if there is none, it is not a plain file, may not be read, or is a Git LFS pointer
     */
    static ModelFile open(Path path) {
        BasicFileAttributes identity = attributes(path);
        ModelFile file = new ModelFile(path, identity.size(), identity, null);
        if (identity.size() <= LONGEST_POINTER) {
            String start = new String(file.bytes(0, (int) identity.size()), StandardCharsets.ISO_8859_1);
            if (start.startsWith(POINTER)) {
                throw new WeightException(path, "is a Git LFS pointer (" + identity.size() + " bytes), not the file itself: fetch it with"
                        + " 'git lfs pull', or download the model again");
            }
        }
        return file;
    }

    /** Bytes that are in memory already, under a name for messages. */
    static ModelFile of(Path origin, MemorySegment memory) {
        return new ModelFile(origin, memory.byteSize(), null, memory);
    }

    /** Whether there is anything of this name, be it a dangling link. */
    static boolean present(Path path) {
        return Files.exists(path) || Files.isSymbolicLink(path);
    }

    private static BasicFileAttributes attributes(Path path) {
        BasicFileAttributes found;
        try {
            found = Files.readAttributes(path, BasicFileAttributes.class);
        } catch (NoSuchFileException e) {
            throw new WeightException(path, Files.isSymbolicLink(path) ? "is a link to " + target(path)
                    + ", which does not exist; download the model again" : "does not exist", e);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        if (found.isDirectory()) {
            throw new WeightException(path, "is a folder, expected a file");
        }
        if (!found.isRegularFile()) {
            throw new WeightException(path, "is a pipe or a device, expected a plain file; it was not opened");
        }
        return found;
    }

    private static String target(Path link) {
        try {
            return Clip.text(Files.readSymbolicLink(link));
        } catch (IOException e) {
            return "something";
        }
    }

    private static WeightException unreadable(Path path, IOException e) {
        return switch (e) {
            case AccessDeniedException denied -> new WeightException(path, "may not be read by this user", denied);
            case ClosedByInterruptException interrupted -> new WeightException(path, "was not read: the thread was interrupted",
                    interrupted);
            default -> new WeightException(path, "cannot be read: " + (e.getMessage() == null ? e.getClass().getSimpleName()
                    : e.getMessage()), e);
        };
    }

    long byteSize() {
        return byteSize;
    }

    /**
     * Reads a part of the file.
     *
     * @param arena owns the memory, which is aligned to 64 bytes unless the file was in memory already
     * @throws WeightException if the file ends before, or is no longer the one that was opened
     */
    MemorySegment read(long offset, long count, Arena arena) {
        Objects.checkFromIndexSize(offset, count, byteSize);
        if (memory != null) {
            return memory.asSlice(offset, count);
        }
        // Large blocks come from the system and go back to it; what is read over is not cleared before.
        MemorySegment target = count >= LARGE ? NativeBuffer.allocate(arena, count).segment() : arena.allocate(count, ALIGNMENT);
        try (FileChannel channel = channel()) {
            for (long at = 0; at < count; at += CHUNK) {
                fill(channel, offset + at, target.asSlice(at, Math.min(CHUNK, count - at)).asByteBuffer());
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        return target;
    }

    /** Reads a part of the file onto the heap. */
    byte[] bytes(long offset, int count) {
        Objects.checkFromIndexSize(offset, count, byteSize);
        if (memory != null) {
            return memory.asSlice(offset, count).toArray(ValueLayout.JAVA_BYTE);
        }
        byte[] target = new byte[count];
        try (FileChannel channel = channel()) {
            fill(channel, offset, ByteBuffer.wrap(target));
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        return target;
    }

    /** Opens the file and makes sure that it is the one that was looked at. */
    private FileChannel channel() throws IOException {
        BasicFileAttributes before = attributes(path);
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        if (!Objects.equals(before.fileKey(), identity.fileKey()) || before.size() != byteSize || channel.size() != byteSize
                || !before.lastModifiedTime().equals(identity.lastModifiedTime())) {
            long now = channel.size();
            channel.close();
            throw changed("had " + byteSize + " bytes, now has " + now);
        }
        return channel;
    }

    private void fill(FileChannel channel, long offset, ByteBuffer target) throws IOException {
        long start = offset - target.position();
        while (target.hasRemaining()) {
            if (channel.read(target, start + target.position()) < 0) {
                throw changed("ends at byte " + (start + target.position()) + " of " + byteSize);
            }
        }
    }

    private WeightException changed(String how) {
        return new WeightException(path, "was changed while it was read (" + how + "); load it again when nothing writes to it");
    }

    /** The file from its start, buffered; skipping costs nothing. To be closed. */
    InputStream stream() {
        try {
            return new Stream(memory == null ? channel() : null);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    private final class Stream extends InputStream {
        private final FileChannel channel;
        private final ByteBuffer buffer = ByteBuffer.allocate(LARGE).limit(0);
        /** Where the buffer's limit is in the file. */
        private long position;

        private Stream(FileChannel channel) {
            this.channel = channel;
        }

        private boolean filled() throws IOException {
            if (buffer.hasRemaining()) {
                return true;
            }
            int count = (int) Math.min(buffer.capacity(), byteSize - position);
            if (count == 0) {
                return false;
            }
            buffer.clear().limit(count);
            if (channel == null) {
                buffer.put(bytes(position, count));
            } else {
                fill(channel, position, buffer);
            }
            buffer.flip();
            position += count;
            return true;
        }

        @Override
        public int read() throws IOException {
            return filled() ? buffer.get() & 0xff : -1;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (!filled()) {
                return -1;
            }
            int count = Math.min(length, buffer.remaining());
            buffer.get(target, offset, count);
            return count;
        }

        @Override
        public long skip(long count) {
            long skipped = Math.clamp(count, 0, byteSize - position + buffer.remaining());
            int within = (int) Math.min(skipped, buffer.remaining());
            buffer.position(buffer.position() + within);
            position += skipped - within;
            return skipped;
        }

        @Override
        public void close() throws IOException {
            if (channel != null) {
                channel.close();
            }
        }
    }
}
