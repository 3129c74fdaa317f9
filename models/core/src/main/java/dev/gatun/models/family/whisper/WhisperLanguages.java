package dev.gatun.models.family.whisper;

import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Languages by their English names, as Whisper's authors list them. */
final class WhisperLanguages {
    private static final Map<String, String> CODES = Arrays.stream((
            "english=en,chinese=zh,german=de,spanish=es,russian=ru,korean=ko,french=fr,japanese=ja,portuguese=pt,turkish=tr,"
            + "polish=pl,catalan=ca,dutch=nl,arabic=ar,swedish=sv,italian=it,indonesian=id,hindi=hi,finnish=fi,vietnamese=vi,"
            + "hebrew=he,ukrainian=uk,greek=el,malay=ms,czech=cs,romanian=ro,danish=da,hungarian=hu,tamil=ta,norwegian=no,"
            + "thai=th,urdu=ur,croatian=hr,bulgarian=bg,lithuanian=lt,latin=la,maori=mi,malayalam=ml,welsh=cy,slovak=sk,"
            + "telugu=te,persian=fa,latvian=lv,bengali=bn,serbian=sr,azerbaijani=az,slovenian=sl,kannada=kn,estonian=et,"
            + "macedonian=mk,breton=br,basque=eu,icelandic=is,armenian=hy,nepali=ne,mongolian=mn,bosnian=bs,kazakh=kk,"
            + "albanian=sq,swahili=sw,galician=gl,marathi=mr,punjabi=pa,sinhala=si,khmer=km,shona=sn,yoruba=yo,somali=so,"
            + "afrikaans=af,occitan=oc,georgian=ka,belarusian=be,tajik=tg,sindhi=sd,gujarati=gu,amharic=am,yiddish=yi,lao=lo,"
            + "uzbek=uz,faroese=fo,haitian creole=ht,pashto=ps,turkmen=tk,nynorsk=nn,maltese=mt,sanskrit=sa,luxembourgish=lb,"
            + "myanmar=my,tibetan=bo,tagalog=tl,malagasy=mg,assamese=as,tatar=tt,hawaiian=haw,lingala=ln,hausa=ha,bashkir=ba,"
            + "javanese=jw,sundanese=su,cantonese=yue,burmese=my,valencian=ca,flemish=nl,haitian=ht,letzeburgesch=lb,pushto=ps,"
            + "panjabi=pa,moldavian=ro,moldovan=ro,sinhalese=si,castilian=es,mandarin=zh").split(","))
            .map(pair -> pair.split("=")).collect(Collectors.toUnmodifiableMap(pair -> pair[0], pair -> pair[1]));

    private WhisperLanguages() {
    }

    /**
     * The code of a language.
     *
     * @param language a code or a name
     * @param known    codes that the model knows
     * @throws IllegalArgumentException if the model does not know it
     */
    static String code(String language, Collection<String> known) {
        String lower = language.toLowerCase(Locale.ROOT);
        String code = CODES.getOrDefault(lower, lower);
        if (!known.contains(code)) {
            throw new IllegalArgumentException("language " + language + ": the model knows " + (known.isEmpty() ? "English only"
                    : String.join(", ", new TreeSet<>(known))));
        }
        return code;
    }
}
