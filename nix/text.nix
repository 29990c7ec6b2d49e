# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What lib.strings has, for where there is no lib; and the suggestions of libscl/config/scl-suggest.c.
let
  wordMax = 40;
  upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  lower = "abcdefghijklmnopqrstuvwxyz";

  characters = text: builtins.genList (n: builtins.substring n 1 text) (builtins.stringLength text);

  toLower = builtins.replaceStrings (characters upper) (characters lower);

  # Other spellings of one word: image_size, image-size.
  simplify = text: builtins.replaceStrings [ "_" "-" " " ] [ "" "" "" ] (toLower text);

  min = a: b: if a < b then a else b;
  max = a: b: if a > b then a else b;
  at = builtins.elemAt;

  # One row of the table of distances. Insertions, deletions, replacements, swapped neighbours.
  nextRow =
    a: b: state: i:
    let
      cell =
        row: j:
        let
          same = at a i == at b j;
          replaced = at state.row j + (if same then 0 else 1);
          plain = min replaced (min (at state.row (j + 1)) (at row j) + 1);
          swapped = i > 0 && j > 0 && at a i == at b (j - 1) && at a (i - 1) == at b j;
        in
        row ++ [ (if swapped then min plain (at state.before (j - 1) + 1) else plain) ];
    in
    {
      before = state.row;
      row = builtins.foldl' cell [ (i + 1) ] (builtins.genList (j: j) (builtins.length b));
    };

  distance =
    left: right:
    let
      a = characters left;
      b = characters right;
      n = builtins.length a;
      first = {
        before = [ ];
        row = builtins.genList (j: j) (builtins.length b + 1);
      };
      done = builtins.foldl' (nextRow a b) first (builtins.genList (i: i) n);
    in
    builtins.elemAt done.row (builtins.length b);

  # The beginning of a longer word is as good as one letter off.
  rate =
    wrong: right:
    let
      n = builtins.stringLength wrong;
      d = distance wrong right;
    in
    if n >= 4 && builtins.substring 0 n right == wrong then min d 1 else d;

  better =
    wrong: best: word:
    let
      right = simplify word;
      d = rate wrong right;
      near = d <= min 3 (max (builtins.stringLength wrong) (builtins.stringLength right) / 3);
    in
    if near && (best == null || d < best.distance) then
      {
        inherit word;
        distance = d;
      }
    else
      best;

  fits = word: builtins.stringLength word <= wordMax;
in
{
  inherit toLower distance;

  # The one of WORDS that may be meant by WORD, or null.
  suggest =
    word: words:
    let
      best = builtins.foldl' (better (simplify word)) null (builtins.filter fits words);
    in
    if word == "" || !fits word || builtins.length words > 200 || best == null then null else best.word;
}
