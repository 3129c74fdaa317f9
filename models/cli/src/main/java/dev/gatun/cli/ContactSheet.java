package dev.gatun.cli;

import dev.gatun.models.image.Picture;
import dev.gatun.models.image.PictureException;
import dev.gatun.models.task.classify.Prediction;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;

/** Pictures beside what was recognized in them: one HTML page with the pictures inside, or one PNG. */
final class ContactSheet {
    private static final int THUMB = 160;
    private static final int COLUMNS = 5;
    private static final int LINE = 16;
    /** Of the font in a cell of a PNG, at its widest. */
    private static final int LINE_CHARACTERS = 24;
    private static final int MARGIN = 12;
    private static final int MAX_PNG_PICTURES = 2000;

    private final List<Entry> entries = new ArrayList<>();
    private int lines = 2;

    /** A picture and its lines of text. */
    private record Entry(String title, BufferedImage thumb, List<String> lines) {
    }

    /** Refuses names that are neither HTML nor PNG, before any work is done. */
    static void checkName(Path file) {
        if (!isPng(file) && !isHtml(file)) {
            throw new IllegalArgumentException(file + ": a contact sheet is .html or .png");
        }
    }

    private static boolean isPng(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".png");
    }

    private static boolean isHtml(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".html") || name.endsWith(".htm");
    }

    /** Adds a picture that was classified. */
    void add(Path file, Prediction prediction) {
        List<String> text = prediction.best().stream()
                .map(guess -> String.format(Locale.ROOT, "%5.1f%%  %s", 100 * guess.score(), guess.label())).toList();
        entries.add(new Entry(file.getFileName().toString(), thumb(file), text));
        lines = Math.max(lines, text.size() + 1);
    }

    /** Adds a picture that could not be read. */
    void addBad(Path file, String error) {
        List<String> text = wrapped("not readable: " + error);
        entries.add(new Entry(String.valueOf(file.getFileName()), null, text));
        lines = Math.max(lines, text.size() + 1);
    }

    /** Lines that fit beside a picture: broken at spaces, or where a word is longer than a line. */
    static List<String> wrapped(String text) {
        List<String> wrapped = new ArrayList<>();
        String rest = text.strip();
        while (rest.length() > LINE_CHARACTERS) {
            int space = rest.lastIndexOf(' ', LINE_CHARACTERS);
            int end = space > 0 ? space : LINE_CHARACTERS;
            wrapped.add(rest.substring(0, end));
            rest = rest.substring(end).strip();
        }
        wrapped.add(rest);
        return wrapped;
    }

    private static BufferedImage thumb(Path file) {
        try {
            Picture picture = Picture.read(file);
            double scale = (double) THUMB / Math.max(picture.width(), picture.height());
            int width = Math.max(1, (int) Math.round(picture.width() * scale));
            int height = Math.max(1, (int) Math.round(picture.height() * scale));
            BufferedImage whole = new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_RGB);
            byte[] samples = picture.samples();
            int step = picture.channels();
            for (int i = 0; i < picture.width() * picture.height(); i++) {
                int r = samples[i * step] & 0xff;
                int g = samples[i * step + (step == 3 ? 1 : 0)] & 0xff;
                int b = samples[i * step + (step == 3 ? 2 : 0)] & 0xff;
                whole.setRGB(i % picture.width(), i / picture.width(), r << 16 | g << 8 | b);
            }
            BufferedImage thumb = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
            Graphics2D graphics = thumb.createGraphics();
            graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
            graphics.drawImage(whole, 0, 0, width, height, null);
            graphics.dispose();
            return thumb;
        } catch (PictureException e) {
            return null;
        }
    }

    /** Writes the sheet; an existing file is replaced. */
    void write(Path file, String title) throws IOException {
        if (isHtml(file)) {
            Files.writeString(file, html(title));
            return;
        }
        if (entries.size() > MAX_PNG_PICTURES) {
            throw new IOException(file + ": " + entries.size() + " pictures are too many for one PNG, write .html");
        }
        // Given a file, ImageIO would delete a link or a pipe of that name.
        try (OutputStream out = Files.newOutputStream(file)) {
            if (!ImageIO.write(png(), "png", out)) {
                throw new IOException(file + ": cannot be written as PNG");
            }
        }
    }

    private String html(String title) throws IOException {
        StringBuilder html = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>"
                + escape(title) + "</title>\n<style>body{font:14px sans-serif;margin:16px}main{display:grid;gap:12px;"
                + "grid-template-columns:repeat(auto-fill,minmax(200px,1fr))}figure{margin:0;padding:8px;border:1px solid #ccc}"
                + "img{display:block;max-width:100%}pre{margin:6px 0 0;white-space:pre-wrap}.bad{color:#b00}</style></head>\n"
                + "<body><h1>" + escape(title) + "</h1>\n<main>\n");
        for (Entry entry : entries) {
            html.append("<figure>");
            if (entry.thumb != null) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                ImageIO.write(entry.thumb, "png", bytes);
                html.append("<img alt=\"").append(escape(entry.title)).append("\" src=\"data:image/png;base64,")
                        .append(new String(Base64.getEncoder().encode(bytes.toByteArray()), StandardCharsets.US_ASCII)).append("\">");
            }
            html.append("<figcaption>").append(escape(entry.title)).append("</figcaption><pre")
                    .append(entry.thumb == null ? " class=\"bad\">" : ">")
                    .append(escape(String.join("\n", entry.lines))).append("</pre></figure>\n");
        }
        return html.append("</main></body></html>\n").toString();
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    private BufferedImage png() {
        int columns = Math.clamp(entries.size(), 1, COLUMNS);
        int rows = (entries.size() + columns - 1) / columns;
        int cellWidth = THUMB + 2 * MARGIN;
        int cellHeight = THUMB + 2 * MARGIN + (lines + 1) * LINE;
        BufferedImage sheet = new BufferedImage(columns * cellWidth, Math.max(1, rows) * cellHeight, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = sheet.createGraphics();
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
        for (int i = 0; i < entries.size(); i++) {
            cell(graphics, entries.get(i), i % columns * cellWidth + MARGIN, i / columns * cellHeight + MARGIN, cellHeight);
        }
        graphics.dispose();
        return sheet;
    }

    private static void cell(Graphics2D graphics, Entry entry, int x, int y, int cellHeight) {
        if (entry.thumb != null) {
            graphics.drawImage(entry.thumb, x, y, null);
        } else {
            graphics.setColor(Color.LIGHT_GRAY);
            graphics.drawRect(x, y, THUMB - 1, THUMB - 1);
        }
        graphics.setClip(x, y, THUMB + MARGIN, cellHeight);
        graphics.setColor(Color.GRAY);
        int line = y + THUMB + LINE;
        graphics.drawString(entry.title, x, line);
        graphics.setColor(entry.thumb == null ? Color.RED : Color.BLACK);
        for (String text : entry.lines) {
            line += LINE;
            graphics.drawString(text, x, line);
        }
        graphics.setClip(null);
    }
}
