package dev.gatun.models.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file that appears under its name when it is finished, whole or not at all: until then it is {@code NAME.part} beside it. A link is
 * followed, so that what it leads to is replaced. A pipe or a device is written as it comes. One writer at a time; {@link #close} may
 * come from another thread.
 */
public final class PartFile implements AutoCloseable {
    private final Path target;
    private final Path part;
    private final FileChannel channel;
    private final boolean keep;
    private boolean finished;

    private PartFile(Path target, Path part, FileChannel channel, boolean keep) {
        this.target = target;
        this.part = part;
        this.channel = channel;
        this.keep = keep;
    }

    /**
     * Begins a file, or goes on with it.
     *
     * @param resume what an earlier writer left is kept, to be gone on with, and is kept again if this one does not finish
     * @throws IOException that names the file: if it cannot be written, or another process is writing it
     */
    public static PartFile open(Path file, boolean resume) throws IOException {
        Path target = followed(file);
        if (Files.isDirectory(target)) {
            throw new IOException(file + ": is a folder, expected a file to write");
        }
        Path folder = target.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + ": is not a folder, cannot write " + target.getFileName());
        }
        try {
            if (Files.exists(target) && !Files.isRegularFile(target)) {
                if (resume) {
                    throw new IOException(file + ": is a pipe or a device, which cannot be resumed");
                }
                return new PartFile(target, null, FileChannel.open(target, StandardOpenOption.WRITE), false);
            }
            Path part = folder.resolve(target.getFileName() + ".part");
            FileChannel channel = FileChannel.open(part, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE,
                    LinkOption.NOFOLLOW_LINKS);
            return begin(new PartFile(target, part, channel, resume));
        } catch (AccessDeniedException e) {
            throw new IOException((e.getFile() != null && Files.exists(Path.of(e.getFile())) ? e.getFile() : folder)
                    + ": may not be written by this user", e);
        }
    }

    private static PartFile begin(PartFile file) throws IOException {
        boolean mine = false;
        try {
            mine = file.channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            mine = false;
        }
        if (!mine) {
            file.channel.close();
            throw new IOException(file.target + ": another writer is busy with " + file.part);
        }
        if (file.keep) {
            file.channel.position(file.channel.size());
        } else {
            file.channel.truncate(0);
        }
        return file;
    }

    private static Path followed(Path file) throws IOException {
        try {
            return Files.isSymbolicLink(file) ? file.toRealPath() : file;
        } catch (NoSuchFileException e) {
            throw new IOException(file + ": is a link to " + Files.readSymbolicLink(file) + ", which does not exist", e);
        }
    }

    /** Whether what is written leaves at once, as into a pipe, and cannot be written again. */
    public boolean isDirect() {
        return part == null;
    }

    /** Where it will appear. */
    public Path target() {
        return target;
    }

    /** What is written to. */
    public FileChannel channel() {
        return channel;
    }

    /** Writes all that remains of the buffer. */
    public void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Puts the file in place. */
    public synchronized void finish() throws IOException {
        if (part != null) {
            channel.force(false);
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        }
        finished = true;
        channel.close();
    }

    /** Removes what was written, unless {@link #finish} was reached or it is to be resumed. Closing twice is harmless. */
    @Override
    public synchronized void close() throws IOException {
        if (channel.isOpen() && !finished && part != null && !keep) {
            Files.deleteIfExists(part);
        }
        channel.close();
    }
}
