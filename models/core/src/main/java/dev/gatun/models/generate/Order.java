package dev.gatun.models.generate;

import dev.gatun.models.generate.logits.BadWords;
import dev.gatun.models.generate.logits.EncoderNoRepeatNgram;
import dev.gatun.models.generate.logits.EncoderRepetitionPenalty;
import dev.gatun.models.generate.logits.ExponentialDecay;
import dev.gatun.models.generate.logits.ForcedBos;
import dev.gatun.models.generate.logits.ForcedEos;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.MinLength;
import dev.gatun.models.generate.logits.MinNewTokens;
import dev.gatun.models.generate.logits.NoRepeatNgram;
import dev.gatun.models.generate.logits.PrefixConstraint;
import dev.gatun.models.generate.logits.RemoveInvalid;
import dev.gatun.models.generate.logits.RepetitionPenalty;
import dev.gatun.models.generate.logits.SequenceBias;
import dev.gatun.models.generate.logits.SuppressAtBegin;
import dev.gatun.models.generate.logits.SuppressTokens;
import dev.gatun.models.generate.sample.Warper;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** The order in which Hugging Face applies processors and warpers: results depend on it. */
final class Order {
    private static final List<Class<?>> PROCESSORS = List.of(SequenceBias.class, EncoderRepetitionPenalty.class, RepetitionPenalty.class,
            NoRepeatNgram.class, EncoderNoRepeatNgram.class, BadWords.class, MinLength.class, MinNewTokens.class, PrefixConstraint.class,
            ForcedBos.class, ForcedEos.class, RemoveInvalid.class, ExponentialDecay.class, SuppressTokens.class, SuppressAtBegin.class);
    private static final List<Class<?>> WARPERS = Arrays.asList(Warper.class.getPermittedSubclasses());

    private Order() {
    }

    static List<LogitsProcessor> processors(List<LogitsProcessor> processors) {
        // Where both are given, min_new_tokens alone counts.
        boolean newTokens = processors.stream().anyMatch(MinNewTokens.class::isInstance);
        return processors.stream().filter(p -> !newTokens || !(p instanceof MinLength))
                .sorted(Comparator.comparingInt(p -> isOurs(p) ? PROCESSORS.indexOf(p.getClass()) : Integer.MAX_VALUE)).toList();
    }

    static boolean isOurs(LogitsProcessor processor) {
        return PROCESSORS.contains(processor.getClass());
    }

    static List<Warper> warpers(List<Warper> warpers) {
        return warpers.stream().sorted(Comparator.comparingInt(w -> WARPERS.indexOf(w.getClass()))).toList();
    }

    /** Refuses a token that is forced and never allowed. */
    static void conflicts(List<LogitsProcessor> processors) {
        List<Integer> suppressed = processors.stream().filter(SuppressTokens.class::isInstance)
                .flatMap(p -> ((SuppressTokens) p).ids().stream()).toList();
        for (LogitsProcessor processor : processors) {
            if (processor instanceof ForcedBos forced && suppressed.contains(forced.id())) {
                throw new IllegalArgumentException("forced_bos_token_id " + forced.id() + " is in suppress_tokens");
            }
            if (processor instanceof ForcedEos forced && suppressed.containsAll(forced.ids())) {
                throw new IllegalArgumentException("forced_eos_token_id " + forced.ids() + " is in suppress_tokens");
            }
        }
    }
}
