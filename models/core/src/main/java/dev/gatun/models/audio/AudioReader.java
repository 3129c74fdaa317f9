package dev.gatun.models.audio;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Opens WAV (PCM of 8 to 32 bits, float, mu-law, A-law; RF64 too), FLAC, Ogg Vorbis and MP3, by what the file holds, not by its name.
 * The last three need a decoder on the class path: {@code org.jflac:jflac-codec}, {@code org.jcraft:jorbis},
 * {@code com.googlecode.soundlibs:jlayer}, which the {@code gatun} command brings along. Thread-safe.
 */
public final class AudioReader {
    private static final int BUFFER = 1 << 16;
    private static final String KNOWN = "WAV, FLAC, Ogg Vorbis or MP3";

    private AudioReader() {
    }

    @FunctionalInterface
    private interface Opener {
        AudioStream open(Path file, InputStream in) throws IOException;
    }

    /**
     * Opens a file: reads its header.
     *
     * @throws AudioException if it is missing, not a plain file, empty, not audio that is known, damaged, or its decoder is missing
     */
    public static AudioStream open(Path file) throws AudioException {
        if (!Files.isRegularFile(file)) {
            throw new AudioException(file, Files.exists(file) ? "is not a file" : "does not exist");
        }
        if (!Files.isReadable(file)) {
            throw new AudioException(file, "may not be read by this user");
        }
        InputStream in = null;
        try {
            in = new BufferedInputStream(Files.newInputStream(file), BUFFER);
            in.mark(64);
            byte[] head = in.readNBytes(36);
            in.reset();
            return new Guarded(file, opener(file, head).open(file, in));
        } catch (IOException | RuntimeException | LinkageError e) {
            // Decoders answer damaged files with many kinds of exceptions.
            close(in, e);
            throw Guarded.explain(file, e);
        }
    }

    private static void close(InputStream in, Throwable e) {
        try {
            if (in != null) {
                in.close();
            }
        } catch (IOException also) {
            e.addSuppressed(also);
        }
    }

    private static Opener opener(Path file, byte[] head) throws AudioException {
        String text = new String(head, StandardCharsets.ISO_8859_1);
        if (head.length == 0) {
            throw new AudioException(file, "is empty, expected " + KNOWN);
        }
        if ((text.startsWith("RIFF") || text.startsWith("RF64")) && text.startsWith("WAVE", 8)) {
            return WavStream::new;
        }
        if (text.startsWith("fLaC")) {
            return FlacStream::new;
        }
        if (text.startsWith("OggS")) {
            if (text.startsWith("\1vorbis", 28)) {
                return VorbisStream::new;
            }
            throw new AudioException(file, "is Ogg with " + (text.startsWith("Opus", 28) ? "Opus" : "something else")
                    + " in it, expected Vorbis; convert it to FLAC or WAV");
        }
        boolean sync = head.length > 1 && (head[0] & 0xff) == 0xff && (head[1] & 0xe0) == 0xe0 && (head[1] & 6) != 0;
        if (text.startsWith("ID3") || sync) {
            return Mp3Stream::new;
        }
        String found = text.startsWith("ftyp", 4) ? "MP4 (AAC)" : text.startsWith("\u001aE\u00df\u00a3") ? "WebM or Matroska"
                : text.startsWith("FORM") ? "AIFF" : text.startsWith(".snd") ? "AU" : "nothing that is known";
        throw new AudioException(file, "holds " + found + ", expected " + KNOWN);
    }

    /** What decoders throw of damaged files is as various as they are: every error names the file. */
    private record Guarded(Path file, AudioStream stream) implements AudioStream {
        Guarded {
            if (stream.sampleRate() < 1 || stream.sampleRate() > Resampled.MAX_RATE || stream.channels() < 1
                    || stream.channels() > MAX_CHANNELS) {
                throw new IllegalArgumentException(stream.sampleRate() + " Hz and " + stream.channels() + " channels, expected up to "
                        + Resampled.MAX_RATE + " and " + MAX_CHANNELS);
            }
        }

        @Override
        public int sampleRate() {
            return stream.sampleRate();
        }

        @Override
        public int channels() {
            return stream.channels();
        }

        @Override
        public int read(float[] dst) throws IOException {
            try {
                return stream.read(dst);
            } catch (IOException | RuntimeException | LinkageError e) {
                throw explain(file, e);
            }
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }

        static AudioException explain(Path file, Throwable e) {
            return switch (e) {
                case AudioException named -> named;
                case NoClassDefFoundError missing -> new AudioException(file, "needs a decoder that is not on the class path ("
                        + missing.getMessage() + "); add org.jflac:jflac-codec:1.5.2 for FLAC, org.jcraft:jorbis:0.0.17 for Ogg Vorbis, "
                        + "com.googlecode.soundlibs:jlayer:1.0.1.4 for MP3", e);
                default -> new AudioException(file, "cannot be decoded: "
                        + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()), e);
            };
        }
    }
}
