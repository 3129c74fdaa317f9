package dev.gatun.models.onnx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Operators over texts, and the tables of ai.onnx.ml that go from texts to numbers. */
final class TextOps {
    private static final int LONGEST_PATTERN = 10_000;

    private TextOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "StringConcat" -> Operators.one(TextOps::concat);
            case "StringSplit" -> Operators.many(TextOps::split);
            case "StringNormalizer" -> Operators.one(TextOps::normalize);
            case "RegexFullMatch" -> Operators.one(TextOps::match);
            case "TfIdfVectorizer" -> Operators.one(TextOps::tfIdf);
            case "ai.onnx.ml:LabelEncoder" -> Operators.one(TextOps::label);
            case "ai.onnx.ml:Binarizer" -> Operators.one(c -> {
                double threshold = c.f("threshold", 0);
                return ElementOps.real(c, c.in(0), x -> x > threshold ? 1 : 0);
            });
            default -> null;
        };
    }

    private static OnnxTensor concat(Call c) {
        OnnxTensor a = c.in(0);
        OnnxTensor b = c.in(1);
        long[] dims = Walk.broadcast(a.dims(), b.dims());
        OnnxTensor y = c.make(OnnxType.STRING, dims);
        String[] texts = new String[Math.toIntExact(y.size())];
        BinaryOps.walk(y, a, b, (at, step, n) -> {
            for (long i = 0; i < n; i++) {
                texts[(int) (at[0] + i)] = a.text(at[1] + i * step[1]) + b.text(at[2] + i * step[2]);
            }
        });
        return c.texts(texts, dims);
    }

    private static OnnxValue[] split(Call c) {
        OnnxTensor x = c.in(0);
        String by = c.s("delimiter", "");
        long limit = c.i("maxsplit", -1);
        List<List<String>> rows = new ArrayList<>();
        int most = 0;
        for (long i = 0; i < x.size(); i++) {
            String text = by.isEmpty() ? x.text(i).strip() : x.text(i);
            List<String> parts = new ArrayList<>();
            if (!(by.isEmpty() && text.isEmpty())) {
                String pattern = by.isEmpty() ? "\\s+" : Pattern.quote(by);
                parts.addAll(List.of(text.split(pattern, limit < 0 ? -1 : (int) Math.min(Integer.MAX_VALUE, limit + 1))));
            }
            rows.add(parts);
            most = Math.max(most, parts.size());
        }
        String[] all = new String[Math.multiplyExact(rows.size(), most)];
        long[] counts = new long[rows.size()];
        for (int i = 0; i < rows.size(); i++) {
            counts[i] = rows.get(i).size();
            for (int j = 0; j < most; j++) {
                all[i * most + j] = j < counts[i] ? rows.get(i).get(j) : "";
            }
        }
        long[] dims = java.util.Arrays.copyOf(x.dims(), x.rank() + 1);
        dims[x.rank()] = most;
        OnnxTensor lengths = c.make(OnnxType.INT64, x.dims());
        for (int i = 0; i < counts.length; i++) {
            lengths.putWhole(i, counts[i]);
        }
        return new OnnxValue[] {c.texts(all, dims), lengths};
    }

    private static OnnxTensor normalize(Call c) {
        OnnxTensor x = c.in(0);
        boolean sensitive = c.flag("is_case_sensitive");
        Locale locale = Locale.forLanguageTag(c.s("locale", "en-US").replace('_', '-'));
        Set<String> stops = new HashSet<>();
        List<?> words = c.list("stopwords");
        for (Object word : words == null ? List.of() : words) {
            stops.add(sensitive ? (String) word : ((String) word).toLowerCase(locale));
        }
        c.require(x.rank() == 1 || x.rank() == 2 && x.dim(0) == 1, "expected [n] or [1, n]");
        List<String> kept = new ArrayList<>();
        for (long i = 0; i < x.size(); i++) {
            String text = x.text(i);
            if (!stops.contains(sensitive ? text : text.toLowerCase(locale))) {
                kept.add(switch (c.s("case_change_action", "NONE")) {
                    case "LOWER" -> text.toLowerCase(locale);
                    case "UPPER" -> text.toUpperCase(locale);
                    default -> text;
                });
            }
        }
        if (kept.isEmpty()) {
            kept.add("");
        }
        String[] texts = kept.toArray(String[]::new);
        return x.rank() == 1 ? c.texts(texts, texts.length) : c.texts(texts, 1, texts.length);
    }

    private static OnnxTensor match(Call c) {
        OnnxTensor x = c.in(0);
        String text = c.s("pattern", "");
        c.require(text.length() <= LONGEST_PATTERN, "the pattern is too long");
        Pattern pattern;
        try {
            pattern = Pattern.compile(text);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("the pattern " + text + " is not understood", e);
        }
        OnnxTensor y = c.make(OnnxType.BOOL, x.dims());
        for (long i = 0; i < x.size(); i++) {
            y.putWhole(i, pattern.matcher(x.text(i)).matches() ? 1 : 0);
        }
        return y;
    }

    private static OnnxTensor tfIdf(Call c) {
        OnnxTensor x = c.in(0);
        int shortest = (int) c.i("min_gram_length", 1);
        int longest = (int) c.i("max_gram_length", 1);
        int skips = (int) c.i("max_skip_count", 0);
        long[] starts = c.ints("ngram_counts");
        long[] indexes = c.ints("ngram_indexes");
        float[] weights = c.floats("weights");
        List<?> words = c.list("pool_strings");
        long[] numbers = c.ints("pool_int64s");
        int pool = words != null ? words.size() : numbers.length;
        Map<List<Object>, Integer> grams = new HashMap<>();
        int id = 0;
        for (int g = 0; g < starts.length; g++) {
            int end = g + 1 < starts.length ? (int) starts[g + 1] : pool;
            for (int i = (int) starts[g]; i + g + 1 <= end; i += g + 1) {
                List<Object> gram = new ArrayList<>();
                for (int k = 0; k <= g; k++) {
                    gram.add(words != null ? words.get(i + k) : (Object) numbers[i + k]);
                }
                grams.put(gram, id++);
            }
        }
        long width = java.util.Arrays.stream(indexes).max().orElse(-1) + 1;
        long rows = x.rank() == 2 ? x.dim(0) : 1;
        int length = Math.toIntExact(rows == 0 ? 0 : x.size() / rows);
        OnnxTensor y = x.rank() == 2 ? c.zeros(OnnxType.FLOAT, rows, width) : c.zeros(OnnxType.FLOAT, width);
        for (long r = 0; r < rows; r++) {
            for (int n = shortest; n <= longest; n++) {
                for (int skip = 1; skip <= (n == 1 ? 1 : skips + 1); skip++) {
                    for (int i = 0; i + (n - 1) * skip < length; i++) {
                        count(x, r * length + i, n, skip, grams, indexes, y, r * width);
                    }
                }
            }
        }
        String mode = c.s("mode", "TF");
        Map<Long, Integer> byColumn = new HashMap<>();
        for (int i = 0; i < indexes.length; i++) {
            byColumn.put(indexes[i], i);
        }
        for (long i = 0; i < y.size() && !mode.equals("TF"); i++) {
            Integer gram = byColumn.get(i % width);
            double weight = weights == null || gram == null ? 1 : weights[gram];
            y.put(i, mode.equals("IDF") ? y.real(i) > 0 ? weight : 0 : y.real(i) * weight);
        }
        return y;
    }

    private static void count(OnnxTensor x, long at, int n, int skip, Map<List<Object>, Integer> grams, long[] indexes, OnnxTensor y,
            long row) {
        List<Object> gram = new ArrayList<>();
        for (int k = 0; k < n; k++) {
            long i = at + (long) k * skip;
            gram.add(x.type() == OnnxType.STRING ? x.text(i) : (Object) x.whole(i));
        }
        Integer id = grams.get(gram);
        if (id != null) {
            y.put(row + indexes[id], y.real(row + indexes[id]) + 1);
        }
    }

    private static OnnxTensor label(Call c) {
        OnnxTensor x = c.in(0);
        List<Object> keys = table(c, "keys");
        List<Object> values = table(c, "values");
        c.require(keys != null && values != null && keys.size() == values.size(), "keys and values do not fit each other");
        Map<Object, Object> map = new HashMap<>();
        for (int i = 0; i < keys.size(); i++) {
            map.put(keys.get(i), values.get(i));
        }
        OnnxTensor fallback = c.tensor("default_tensor");
        OnnxTensor typed = c.tensor("values_tensor");
        boolean text = values.isEmpty() || values.getFirst() instanceof String;
        OnnxType type = typed != null ? typed.type() : text ? OnnxType.STRING : values.getFirst() instanceof Long ? OnnxType.INT64
                : OnnxType.FLOAT;
        Object missing = fallback != null ? element(fallback, 0) : text ? c.s("default_string", "_Unused")
                : type.isReal() ? (Object) (double) c.f("default_float", -0.0) : (Object) c.i("default_int64", -1);
        String[] texts = new String[text ? Math.toIntExact(x.size()) : 0];
        OnnxTensor y = c.make(type, x.dims());
        for (long i = 0; i < x.size(); i++) {
            Object found = map.getOrDefault(element(x, i), missing);
            if (text) {
                texts[(int) i] = (String) found;
            } else if (found instanceof Double d) {
                y.put(i, d);
            } else {
                y.putWhole(i, (Long) found);
            }
        }
        return text ? c.texts(texts, x.dims()) : y;
    }

    private static Object element(OnnxTensor x, long i) {
        return x.type() == OnnxType.STRING ? x.text(i) : x.type().isReal() ? (Object) x.real(i) : (Object) x.whole(i);
    }

    private static List<Object> table(Call c, String name) {
        List<Object> all = new ArrayList<>();
        OnnxTensor tensor = c.tensor(name + "_tensor");
        if (tensor != null) {
            for (long i = 0; i < tensor.size(); i++) {
                all.add(element(tensor, i));
            }
        } else if (c.list(name + "_strings") != null) {
            all.addAll(c.list(name + "_strings"));
        } else if (c.ints(name + "_int64s") != null) {
            java.util.Arrays.stream(c.ints(name + "_int64s")).forEach(all::add);
        } else if (c.floats(name + "_floats") != null) {
            for (float f : c.floats(name + "_floats")) {
                all.add((double) f);
            }
        } else {
            return null;
        }
        return all;
    }
}
