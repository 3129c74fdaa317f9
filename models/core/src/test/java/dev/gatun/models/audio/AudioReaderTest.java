package dev.gatun.models.audio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against libsndfile. */
class AudioReaderTest {
    @TempDir
    private Path folder;

    private static Path sound(String name) {
        return Goldens.path("audio/" + name);
    }

    private static float[] all(AudioStream stream, int block) throws IOException {
        float[] all = new float[0];
        float[] dst = new float[block * stream.channels()];
        int read;
        while ((read = stream.read(dst)) > 0) {
            int count = read * stream.channels();
            all = Arrays.copyOf(all, all.length + count);
            System.arraycopy(dst, 0, all, all.length - count, count);
        }
        return all;
    }

    @ParameterizedTest
    @CsvSource({"wav-pcm_u8.wav,8000,2,0", "wav-pcm_16.wav,8000,2,0", "wav-pcm_24.wav,8000,2,0", "wav-pcm_32.wav,8000,2,0",
        "wav-float.wav,8000,2,0", "wav-double.wav,8000,2,0", "wav-ulaw.wav,8000,2,0", "wav-alaw.wav,8000,2,0",
        "wavex-pcm_24.wav,11025,3,0", "rf64-pcm_16.wav,8000,1,0", "mono-16000.flac,16000,1,0", "mono-22050.flac,22050,1,0",
        "stereo-44100.flac,44100,2,0", "mono-16000.ogg,16000,1,1e-6", "mono-22050.ogg,22050,1,1e-6", "stereo-44100.ogg,44100,2,1e-6",
        "mono-16000.mp3,16000,1,4e-5", "mono-22050.mp3,22050,1,4e-5", "stereo-44100.mp3,44100,2,4e-5"})
    void samplesAreThoseOfLibsndfile(String name, int rate, int channels, float tolerance) throws IOException {
        try (Arena arena = Arena.ofConfined(); AudioStream stream = AudioReader.open(sound(name))) {
            assertEquals(rate, stream.sampleRate());
            assertEquals(channels, stream.channels());
            float[] expected = Goldens.floats(Goldens.open(arena, "audio/expected.safetensors"), name);
            assertArrayEquals(expected, all(stream, 333), tolerance);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"wav-pcm_24.wav", "mono-16000.flac", "mono-16000.ogg", "mono-16000.mp3"})
    void aFileThatIsCutOffOrChangedIsAnErrorThatNamesIt(String name) throws IOException {
        byte[] whole = Files.readAllBytes(sound(name));
        for (int length : new int[] {1, 10, 37, whole.length / 3, whole.length * 2 / 3, whole.length - 100}) {
            Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, length));
            AudioException e = assertThrows(AudioException.class, () -> drain(cut), name + " of " + length);
            assertTrue(e.getMessage().startsWith(cut + ": "), e.getMessage());
        }
        // What changes may stay sound (WAV has no check sums), but only files that are right or refused come of it.
        for (int i = 1; i < 60; i++) {
            byte[] changed = whole.clone();
            changed[whole.length * i / 60] ^= 0x55;
            Path file = Files.write(folder.resolve("changed"), changed);
            try {
                drain(file);
            } catch (AudioException e) {
                assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
            }
        }
    }

    @Test
    void aChangedFrameOfFlacOrVorbisIsNoticed() throws IOException {
        for (String name : new String[] {"mono-16000.flac", "mono-16000.ogg"}) {
            byte[] changed = Files.readAllBytes(sound(name));
            changed[changed.length * 9 / 10] ^= 0x10;
            Path file = Files.write(folder.resolve(name), changed);
            assertTrue(assertThrows(AudioException.class, () -> drain(file)).getMessage().contains("damaged"), name);
        }
    }

    private static int drain(Path file) throws IOException {
        try (AudioStream stream = AudioReader.open(file)) {
            return all(stream, 1000).length;
        }
    }

    @Test
    void whatIsNoAudioIsRefusedByWhatItIs() throws IOException {
        assertMessage(folder.resolve("missing.wav"), "does not exist");
        assertMessage(folder, "is not a file");
        assertMessage(Files.write(folder.resolve("empty.wav"), new byte[0]), "is empty");
        assertMessage(Files.writeString(folder.resolve("text.mp3"), "no sound at all, however long this text may be"),
                "nothing that is known");
        assertMessage(sound("opus.ogg"), "Opus");
        assertMessage(sound("aiff.aiff"), "AIFF");
        byte[] adpcm = Files.readAllBytes(sound("wav-pcm_16.wav"));
        adpcm[20] = 2;
        assertMessage(Files.write(folder.resolve("adpcm.wav"), adpcm), "format 2");
    }

    private static void assertMessage(Path file, String part) {
        AudioException e = assertThrows(AudioException.class, () -> drain(file));
        assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().contains(part), e.getMessage());
    }

    @Test
    void aSizeThatIsNotKnownMeansTheRestOfTheFile() throws IOException {
        byte[] piped = Files.readAllBytes(sound("wav-pcm_16.wav"));
        Arrays.fill(piped, 40, 44, (byte) 0xff);
        assertEquals(drain(sound("wav-pcm_16.wav")), drain(Files.write(folder.resolve("piped.wav"), piped)));
    }

    @Test
    void aFloatThatIsNoNumberIsRefused() throws IOException {
        byte[] nan = Files.readAllBytes(sound("wav-float.wav"));
        nan[nan.length - 1] = 0x7f;
        nan[nan.length - 2] = (byte) 0xc0;
        assertMessage(Files.write(folder.resolve("nan.wav"), nan), "NaN");
    }

    @Test
    void resamplingIsScipys() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile golden = Goldens.open(arena, "audio/expected.safetensors");
            for (int rate : new int[] {8000, 11025, 22050, 44100, 48000, 96000, 44056}) {
                float[] expected = Goldens.floats(golden, "resample/" + rate + "/to16000");
                float[] actual = resample(Goldens.floats(golden, "resample/" + rate), rate, 1, 77);
                assertArrayEquals(expected, actual, 2e-6f, rate + " Hz");
            }
        }
    }

    @Test
    void whatIsAboveTheRateDisappearsAndWhatIsBelowStays() throws IOException {
        float[] high = new float[2 * 30000];
        float[] low = new float[2 * 30000];
        for (int i = 0; i < high.length; i++) {
            high[i] = (float) Math.sin(2 * Math.PI * 9000 * (i / 2) / 44100);
            // The channels' mean is half of the left.
            low[i] = i % 2 == 1 ? 0 : (float) Math.sin(2 * Math.PI * 1000 * (i / 2) / 44100);
        }
        float[] gone = resample(high, 44100, 2, 500);
        float[] kept = resample(low, 44100, 2, 500);
        for (int i = 200; i < gone.length - 200; i++) {
            assertEquals(0, gone[i], 2e-5);
            assertEquals(0.5 * Math.sin(2 * Math.PI * 1000 * i / 16000), kept[i], 2e-5);
        }
    }

    private static float[] resample(float[] samples, int rate, int channels, int block) throws IOException {
        int[] next = {0};
        AudioStream source = new AudioStream() {
            @Override
            public int sampleRate() {
                return rate;
            }

            @Override
            public int channels() {
                return channels;
            }

            @Override
            public int read(float[] dst) {
                int count = Math.min(Math.min(dst.length, 600 * channels), samples.length - next[0]);
                System.arraycopy(samples, next[0], dst, 0, count);
                next[0] += count;
                return count == 0 ? -1 : count / channels;
            }

            @Override
            public void close() {
            }
        };
        try (Resampled resampled = new Resampled(source, 16000)) {
            float[] all = new float[samples.length * 3];
            int read;
            int total = 0;
            while ((read = resampled.read(all, total, block)) > 0) {
                total += read;
            }
            return Arrays.copyOf(all, total);
        }
    }
}
