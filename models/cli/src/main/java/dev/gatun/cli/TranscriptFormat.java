package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.task.speech.Transcript;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** How a transcript is printed. */
enum TranscriptFormat {
    /** A line for each segment. */
    txt {
        @Override
        void print(PrintWriter out, Path recording, Transcript transcript, boolean several, boolean timestamps) {
            if (several) {
                out.println(recording + ":");
                transcript.segments().forEach(segment -> line(out, segment, timestamps));
            }
        }
    },
    /** SubRip. */
    srt {
        @Override
        void print(PrintWriter out, Path recording, Transcript transcript, boolean several, boolean timestamps) {
            int number = 1;
            for (Transcript.Segment segment : transcript.segments()) {
                out.println(number++);
                cue(out, segment, ',');
            }
        }
    },
    /** WebVTT. */
    vtt {
        @Override
        void print(PrintWriter out, Path recording, Transcript transcript, boolean several, boolean timestamps) {
            out.println("WEBVTT");
            out.println();
            transcript.segments().forEach(segment -> cue(out, segment, '.'));
        }
    },
    /** An object in a line for each recording. */
    json {
        @Override
        void print(PrintWriter out, Path recording, Transcript transcript, boolean several, boolean timestamps) throws IOException {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("file", recording.toString());
            line.put("language", transcript.language());
            line.put("text", transcript.text());
            line.put("segments", transcript.segments());
            out.println(JSON.writeValueAsString(line));
        }
    };

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Prints one; that of a single recording as txt was printed segment by segment. */
    abstract void print(PrintWriter out, Path recording, Transcript transcript, boolean several, boolean timestamps) throws IOException;

    static void line(PrintWriter out, Transcript.Segment segment, boolean timestamps) {
        String text = segment.text().strip();
        out.println(timestamps ? "[" + TranscribeCommand.clock(segment.start(), '.') + " --> " + TranscribeCommand.clock(segment.end(), '.')
                + "] " + text : text);
    }

    private static void cue(PrintWriter out, Transcript.Segment segment, char point) {
        out.println(TranscribeCommand.clock(segment.start(), point) + " --> " + TranscribeCommand.clock(segment.end(), point));
        out.println(segment.text().strip());
        out.println();
    }
}
