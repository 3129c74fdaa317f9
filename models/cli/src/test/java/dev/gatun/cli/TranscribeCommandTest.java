package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** {@code transcribe}, by a tiny model that says anything. */
class TranscribeCommandTest {
    private static final Path MODEL = Goldens.path("whisper/multilingual");
    private static final Path RECORDING = Goldens.path("whisper/recording.flac");
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private String run(int code, String... args) {
        out.getBuffer().setLength(0);
        String[] all = new String[args.length + 5];
        System.arraycopy(new String[] {"transcribe", "--model", MODEL.toString(), "--temperature", "0"}, 0, all, 0, 5);
        System.arraycopy(args, 0, all, 5, args.length);
        assertEquals(code, Gatun.run(new PrintWriter(out), new PrintWriter(err), all), err.toString());
        return out.toString();
    }

    @Test
    void everyFormatHasItsTimes() throws IOException {
        JsonNode json = new ObjectMapper().readTree(run(0, RECORDING.toString(), "--format", "json", "--words"));
        assertEquals("" + RECORDING, json.get("file").asText());
        assertTrue(json.get("segments").size() > 2, json::toString);
        assertTrue(json.get("segments").get(0).get("words").isArray());
        String srt = run(0, RECORDING.toString(), "--format", "srt");
        assertTrue(srt.matches("(?s)1\\R00:00:00,\\d{3} --> 00:00:0\\d,\\d{3}\\R.*"), srt);
        String vtt = run(0, RECORDING.toString(), "--format", "vtt");
        assertTrue(vtt.matches("(?s)WEBVTT\\R\\R00:00:00\\.\\d{3} --> 00:00:0\\d\\.\\d{3}\\R.*"), vtt);
        assertEquals(json.get("segments").size(), srt.split(" --> ", -1).length - 1);
        assertEquals(json.get("segments").size(), run(0, RECORDING.toString(), "--timestamps").split(" --> ", -1).length - 1);
        assertTrue(err.toString().contains("seconds of audio"), err.toString());
    }

    @Test
    void aBadFileIsReportedAndTheRestGoOn() {
        String text = run(1, RECORDING.toString(), "none.wav", RECORDING.toString());
        assertTrue(err.toString().contains("none.wav: does not exist"), err.toString());
        assertEquals(3, text.split("recording.flac:", -1).length);
    }

    @Test
    void misuseIsRefused() {
        run(2, RECORDING.toString(), "--words");
        run(2, RECORDING.toString(), "--threads", "0");
        run(2, "--format", "txt");
        run(1, RECORDING.toString(), "--language", "Klingon");
        assertTrue(err.toString().contains("the model knows de, en, fr, yue"), err.toString());
        assertEquals("01:02:03,450", TranscribeCommand.clock(3723.45, ','));
    }
}
