package dev.gatun.models.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Maps model files into memory. */
final class MappedFile {
    private MappedFile() {
    }

    static MemorySegment map(Path file, Arena arena) {
        if (Files.isDirectory(file)) {
            throw new WeightException(file, "is a folder, expected a file");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (NoSuchFileException e) {
            throw new WeightException(file, "does not exist", e);
        } catch (AccessDeniedException e) {
            throw new WeightException(file, "may not be read by this user", e);
        } catch (IOException e) {
            throw new WeightException(file, "cannot be read: " + e.getMessage(), e);
        }
    }
}
