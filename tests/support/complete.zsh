# SPDX-License-Identifier: LGPL-2.1-or-later
# zsh -f complete.zsh FOLDER LINE OUT: what an interactive zsh that knows FOLDER offers after LINE and a tab, one a line in OUT.
zmodload zsh/zpty
init=$3.init
cat > $init <<'END'
PROMPT=
fpath=($FOLDER $fpath)
autoload -U compinit
compinit -D -u
bindkey '^I' complete-word
zstyle ':completion:*' insert-tab false
compadd () {
  local -a hits
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  builtin compadd -A hits "$@"
  print -rl -- $hits >> $OUT
}
finish () { exit }
comppostfuncs=(finish)
END
export FOLDER=$1 OUT=$3
zpty offer zsh -f -i
zpty -w offer "source $init"
zpty -w -n offer "$2"$'\t'
while zpty -r offer line; do :; done
true
