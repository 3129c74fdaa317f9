import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.time.format.FormatStyle;
import java.time.format.TextStyle;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Writes the data the date translator is trained and judged on: dates as people write them in English,
 * German and French, and the same dates in ISO 8601. Month and weekday names and the localized patterns
 * come from the CLDR data of the JDK (25).
 *
 * <pre>java DateData.java OUT_DIR [TRAIN_LINES] [HELD_OUT_LINES]     (1500000 and 20000 by default)</pre>
 *
 * <p>It writes {@code train.tsv} and {@code heldout.tsv}, one {@code source TAB iso} a line, UTF-8, NFC. A source
 * starts with its language tag: {@code <en> }, {@code <de> } or {@code <fr> }. The same seed gives the same files.
 *
 * <ul>
 * <li>Dates run from 1900-01-01 to 2099-12-31. A hash of the date puts one in ten into the held-out half: no
 *     date of {@code heldout.tsv} occurs in {@code train.tsv}, in whatever form or language.
 * <li>The tag resolves the ambiguous numeric forms: {@code <en>} is month first (US), the others day first.
 * <li>Two-digit years are written for 1950 to 2049 only, so that 50-99 mean 19xx and 00-49 mean 20xx.
 * <li>One line in ten is all lower case, one in ten all upper case; one German or French line in twenty is typed without
 *     diacritics (fevrier, Maerz).
 * </ul>
 */
public final class DateData {
    private static final long SEED = 20_250_301L;
    private static final LocalDate FIRST = LocalDate.of(1900, 1, 1);
    private static final LocalDate LAST = LocalDate.of(2099, 12, 31);
    private static final int PIVOT_FIRST = 1950;
    private static final int PIVOT_LAST = 2049;

    /** One way of writing a date; it may refuse (null) a date it cannot write unambiguously. */
    private interface Form {
        String write(LocalDate date);
    }

    private record Language(String tag, Locale locale, List<Form> forms) {}

    private DateData() {}

    public static void main(String[] args) throws IOException {
        if (args.length < 1 || args.length > 3) {
            System.err.println("usage: java DateData.java OUT_DIR [TRAIN_LINES] [HELD_OUT_LINES]");
            System.exit(2);
        }
        Path out = Files.createDirectories(Path.of(args[0]));
        int trainLines = args.length > 1 ? Integer.parseInt(args[1]) : 1_500_000;
        int heldOutLines = args.length > 2 ? Integer.parseInt(args[2]) : 20_000;
        List<Language> languages = List.of(english(), german(), french());
        List<LocalDate> train = new ArrayList<>();
        List<LocalDate> heldOut = new ArrayList<>();
        for (LocalDate date = FIRST; !date.isAfter(LAST); date = date.plusDays(1)) {
            (isHeldOut(date) ? heldOut : train).add(date);
        }
        SplittableRandom random = new SplittableRandom(SEED);
        write(out.resolve("train.tsv"), languages, train, trainLines, random.split());
        write(out.resolve("heldout.tsv"), languages, heldOut, heldOutLines, random.split());
        System.err.printf("%d train dates, %d held-out dates%n", train.size(), heldOut.size());
    }

    private static boolean isHeldOut(LocalDate date) {
        long mixed = date.toEpochDay() * 0x9E3779B97F4A7C15L;
        mixed ^= mixed >>> 29;
        mixed *= 0xBF58476D1CE4E5B9L;
        return Long.remainderUnsigned(mixed >>> 32, 10) == 0;
    }

    private static void write(Path file, List<Language> languages, List<LocalDate> dates, int lines,
            SplittableRandom random) throws IOException {
        Set<String> seen = new HashSet<>();
        try (var writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
            while (seen.size() < lines) {
                Language language = languages.get(random.nextInt(languages.size()));
                LocalDate date = dates.get(random.nextInt(dates.size()));
                String text = language.forms().get(random.nextInt(language.forms().size())).write(date);
                if (text == null) {
                    continue;
                }
                String source = "<" + language.tag() + "> " + vary(text, language, random);
                if (seen.add(source)) {
                    writer.write(source + "\t" + date + "\n");
                }
            }
        }
    }

    private static String vary(String text, Language language, SplittableRandom random) {
        String varied = text;
        if (!language.tag().equals("en") && random.nextInt(20) == 0) {
            varied = withoutDiacritics(varied, language.tag().equals("de"));
        }
        int letterCase = random.nextInt(10);
        if (letterCase == 0) {
            varied = varied.toLowerCase(language.locale());
        } else if (letterCase == 1) {
            varied = varied.toUpperCase(language.locale());
        }
        // CLDR writes no-break spaces in places where people type a plain one.
        return Normalizer.normalize(varied, Normalizer.Form.NFC).replaceAll("[\\u00a0\\u202f\\u2009]", " ");
    }

    private static String withoutDiacritics(String text, boolean german) {
        String spelled = german
                ? text.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
                        .replace("Ä", "Ae").replace("Ö", "Oe").replace("Ü", "Ue")
                : text;
        return Normalizer.normalize(spelled, Normalizer.Form.NFD).replaceAll("\\p{M}", "");
    }

    // ---- forms ----

    private static Language english() {
        Locale us = Locale.US;
        Locale gb = Locale.UK;
        List<Form> forms = new ArrayList<>();
        localized(forms, us, FormatStyle.FULL, FormatStyle.LONG, FormatStyle.MEDIUM);
        localized(forms, gb, FormatStyle.FULL, FormatStyle.LONG, FormatStyle.MEDIUM);
        addShort(forms, us);
        patterns(forms, us, "MM/dd/yyyy", "M/d/yyyy", "MM-dd-yyyy", "M-d-yyyy", "yyyy-MM-dd", "yyyy/MM/dd", "yyyyMMdd",
                "EEE, MMM d, yyyy", "EEE, M/d/yyyy", "d MMMM yyyy", "d MMM yyyy", "dd MMM yyyy", "dd-MMM-yyyy", "EEE d MMM yyyy",
                "MMM d yyyy", "MMMM d yyyy", "MMM dd, yyyy", "yyyy MMM d", "yyyy, MMMM d", "EEEE, MMMM d, yyyy");
        twoDigitYears(forms, us, "MM/dd/yy", "M/d/yy", "M-d-yy", "d MMM yy", "dd-MMM-yy");
        for (TextStyle style : List.of(TextStyle.FULL, TextStyle.SHORT)) {
            forms.add(d -> month(d, style, us) + " " + ordinal(d) + ", " + d.getYear());
            forms.add(d -> month(d, style, us) + " " + ordinal(d) + " " + d.getYear());
            forms.add(d -> ordinal(d) + " " + month(d, style, us) + " " + d.getYear());
            forms.add(d -> ordinal(d) + " of " + month(d, style, us) + ", " + d.getYear());
            forms.add(d -> weekday(d, style, us) + ", " + month(d, style, us) + " " + ordinal(d) + ", " + d.getYear());
            forms.add(d -> weekday(d, style, gb) + " " + ordinal(d) + " " + month(d, style, us) + " " + d.getYear());
        }
        forms.add(d -> "the " + ordinal(d) + " of " + month(d, TextStyle.FULL, gb) + " " + d.getYear());
        forms.add(d -> weekday(d, TextStyle.FULL, gb) + " the " + ordinal(d) + " of " + month(d, TextStyle.FULL, gb) + " "
                + d.getYear());
        forms.add(d -> month(d, TextStyle.SHORT, us) + ". " + d.getDayOfMonth() + ", " + d.getYear());
        return new Language("en", us, forms);
    }

    private static Language german() {
        Locale de = Locale.GERMANY;
        Locale at = Locale.of("de", "AT");
        List<Form> forms = new ArrayList<>();
        for (Locale locale : List.of(de, at, Locale.of("de", "CH"))) {
            localized(forms, locale, FormatStyle.FULL, FormatStyle.LONG, FormatStyle.MEDIUM);
        }
        addShort(forms, de);
        patterns(forms, de, "dd.MM.yyyy", "d.M.yyyy", "d. M. yyyy", "dd/MM/yyyy", "d/M/yyyy", "dd-MM-yyyy", "yyyy-MM-dd", "yyyy/MM/dd",
                "yyyyMMdd", "EEEE, d. MMMM yyyy", "EEEE, 'den' d. MMMM yyyy", "'den' d. MMMM yyyy", "'am' d. MMMM yyyy",
                "EEE, d. MMM yyyy", "EEE d. MMM yyyy", "EEE, dd.MM.yyyy", "EEEE, dd.MM.yyyy", "dd. MMMM yyyy", "d MMMM yyyy",
                "d. MMM yyyy", "dd. MMM yyyy", "d. LLL yyyy", "EEEE 'der' d. MMMM yyyy", "d.MMMM yyyy");
        patterns(forms, at, "d. MMM yyyy", "dd. MMMM yyyy");
        twoDigitYears(forms, de, "dd.MM.yy", "d.M.yy", "dd/MM/yy", "d. MMM yy", "d. MMMM yy");
        return new Language("de", de, forms);
    }

    private static Language french() {
        Locale fr = Locale.FRANCE;
        Locale ca = Locale.CANADA_FRENCH;
        List<Form> forms = new ArrayList<>();
        for (Locale locale : List.of(fr, ca, Locale.of("fr", "CH"))) {
            localized(forms, locale, FormatStyle.FULL, FormatStyle.LONG, FormatStyle.MEDIUM);
        }
        addShort(forms, fr);
        patterns(forms, fr, "dd/MM/yyyy", "d/M/yyyy", "dd.MM.yyyy", "d.M.yyyy", "dd-MM-yyyy", "yyyy-MM-dd", "yyyy/MM/dd", "yyyyMMdd",
                "EEE d MMM yyyy", "EEE dd/MM/yyyy", "EEEE dd/MM/yyyy", "dd MMMM yyyy", "dd MMM yyyy", "d-MMM-yyyy", "d LLL yyyy",
                "'le' d MMMM yyyy", "'Le' EEEE d MMMM yyyy", "EEEE, 'le' d MMMM yyyy", "EEEE, d MMMM yyyy", "'le' dd/MM/yyyy");
        twoDigitYears(forms, fr, "dd/MM/yy", "d/M/yy", "dd.MM.yy", "d MMM yy", "d MMMM yy");
        for (TextStyle style : List.of(TextStyle.FULL, TextStyle.SHORT)) {
            forms.add(d -> jour(d) + " " + month(d, style, fr) + " " + d.getYear());
            forms.add(d -> "le " + jour(d) + " " + month(d, style, fr) + " " + d.getYear());
            forms.add(d -> weekday(d, style, fr) + " " + jour(d) + " " + month(d, style, fr) + " " + d.getYear());
        }
        // "1er" is one day in thirty; these forms write nothing else, so that it is learnt as well as the rest.
        forms.add(d -> d.getDayOfMonth() > 1 ? null : "1er " + month(d, TextStyle.FULL, fr) + " " + d.getYear());
        forms.add(d -> d.getDayOfMonth() > 1 ? null : weekday(d, TextStyle.FULL, ca) + " 1er " + month(d, TextStyle.FULL, ca) + " "
                + d.getYear());
        return new Language("fr", fr, forms);
    }

    private static void localized(List<Form> forms, Locale locale, FormatStyle... styles) {
        for (FormatStyle style : styles) {
            forms.add(DateTimeFormatter.ofLocalizedDate(style).withLocale(locale)::format);
        }
    }

    /** The locale's short form has a two-digit year, or four digits where the locale says so. */
    private static void addShort(List<Form> forms, Locale locale) {
        DateTimeFormatter formatter = DateTimeFormatter.ofLocalizedDate(FormatStyle.SHORT).withLocale(locale);
        forms.add(d -> {
            String text = formatter.format(d);
            return hasPivotYear(d) || text.contains(Integer.toString(d.getYear())) ? text : null;
        });
    }

    private static void patterns(List<Form> forms, Locale locale, String... patterns) {
        for (String pattern : patterns) {
            DateTimeFormatter formatter = DateTimeFormatter.ofPattern(pattern, locale);
            forms.add(formatter::format);
            if (pattern.contains("MMM") && !pattern.contains("MMMM")) {
                forms.add(d -> formatter.format(d).replace(".", ""));
            }
        }
    }

    private static void twoDigitYears(List<Form> forms, Locale locale, String... patterns) {
        for (String pattern : patterns) {
            DateTimeFormatter formatter = DateTimeFormatter.ofPattern(pattern, locale);
            forms.add(d -> hasPivotYear(d) ? formatter.format(d) : null);
        }
    }

    private static boolean hasPivotYear(LocalDate date) {
        return date.getYear() >= PIVOT_FIRST && date.getYear() <= PIVOT_LAST;
    }

    private static String month(LocalDate date, TextStyle style, Locale locale) {
        return date.getMonth().getDisplayName(style, locale);
    }

    private static String weekday(LocalDate date, TextStyle style, Locale locale) {
        return date.getDayOfWeek().getDisplayName(style, locale);
    }

    private static String jour(LocalDate date) {
        return date.getDayOfMonth() == 1 ? "1er" : Integer.toString(date.getDayOfMonth());
    }

    private static String ordinal(LocalDate date) {
        int day = date.getDayOfMonth();
        String suffix = day / 10 == 1 ? "th" : switch (day % 10) {
            case 1 -> "st";
            case 2 -> "nd";
            case 3 -> "rd";
            default -> "th";
        };
        return day + suffix;
    }
}
