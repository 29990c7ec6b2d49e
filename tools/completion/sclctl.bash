# SPDX-License-Identifier: LGPL-2.1-or-later
# Made by "sclctl completion bash".
# The words before the one at the cursor, as the shell passes them.
_sclctl_said ()
{
  local line=${COMP_LINE:0:COMP_POINT} word='' quote='' char i
  for ((i = 0; i < ${#line}; i++)); do
    char=${line:i:1}
    if [[ $char == "$quote" ]]; then
      quote=''
    elif [[ -n $quote ]]; then
      word+=$char
    elif [[ $char == [\'\"] ]]; then
      quote=$char
    elif [[ $char == \\ ]]; then
      ((i++))
      word+=${line:i:1}
    elif [[ $char == ' ' ]]; then
      [[ -z $word ]] || said+=("$word")
      word=''
    else
      word+=$char
    fi
  done
}
# The names of a kind that begin with the word at the cursor, as they are.
_sclctl_names ()
{
  local name
  while IFS= read -r name; do
    [[ $name != "$cur"* ]] || COMPREPLY+=("$name")
  done < <(sclctl "${connection[@]}" names "$1" 2> /dev/null)
}
_sclctl ()
{
  local cur=${COMP_WORDS[COMP_CWORD]}
  local path='' words='' options='' word i
  local -a said=() connection=()
  COMPREPLY=()
  _sclctl_said
  for ((i = 1; i < ${#said[@]}; i++)); do
    word=${said[i]}
    [[ $word == sc ]] && word=network
    case $word in
      -c | --connect) connection=(-c "${said[i + 1]}"); ((i++)) ;;
      --connect=*) connection=(-c "${word#*=}") ;;
      -c*) connection=(-c "${word#-c}") ;;
      --connect | -c | --output | -o | --timeout | --file | -f | --hypervisor | --state | --console | --ready-fd | --from) ((i++)) ;;
      -*) ;;
      *)
        case $path in
          '') path=$word ;;
          vm) path="vm $word" ;;
          network) path="network $word" ;;
          volume) path="volume $word" ;;
        esac
        ;;
    esac
  done
  case ${said[-1]} in
    -c | --connect) COMPREPLY=(); return ;;
    -o | --output) mapfile -t COMPREPLY < <(compgen -W 'table json name' -- "$cur"); return ;;
    --timeout) COMPREPLY=(); return ;;
    -f | --file) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --hypervisor) mapfile -t COMPREPLY < <(compgen -W 'qemu:///embed qemu:///system test:///default memory' -- "$cur"); return ;;
    --state) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --console) _sclctl_names vm; return ;;
    --ready-fd) COMPREPLY=(); return ;;
    --from) _sclctl_names instance; return ;;
  esac
  options=' --connect --output --quiet --verbose --yes --timeout --help --version'
  case $path in
    '') words=' run apply plan validate status console schema completion vm network sc volume' ;;
    'vm') words=' list show start stop restart delete logs console attach' ;;
    'network') words=' list show delete' ;;
    'volume') words=' list show create adopt delete prune' ;;
    'run')
      options+=' --file --hypervisor --state --console --no-console --ready-fd --until-off --prune'
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'apply')
      options+=' --file --prune --allow-empty --boot'
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'plan')
      options+=' --file --prune --allow-empty --boot'
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'validate')
      options+=' --file --preflight --allow-empty'
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'status')
      options+=''
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'console')
      options+=''
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'schema')
      options+=''
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'completion')
      options+=''
      [[ $cur == -* ]] || mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$cur")
      ;;
    'vm list' | 'vm ls')
      options+=' --running'
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'vm show')
      options+=''
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'vm start' | 'start')
      options+=''
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'vm stop' | 'stop')
      options+=' --all --force'
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'vm restart' | 'restart')
      options+=' --all --force'
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'vm delete' | 'vm rm')
      options+=''
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'vm logs' | 'logs')
      options+=''
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'vm console')
      options+=''
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'vm attach')
      options+=' --start --stop-on-term'
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'network list' | 'network ls')
      options+=''
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'network show')
      options+=''
      [[ $cur == -* ]] || _sclctl_names network
      ;;
    'network delete' | 'network rm')
      options+=''
      [[ $cur == -* ]] || _sclctl_names network
      ;;
    'volume list' | 'volume ls')
      options+=''
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'volume show')
      options+=''
      [[ $cur == -* ]] || _sclctl_names volume
      ;;
    'volume create')
      options+=' --from-image'
      [[ $cur == -* ]] || _sclctl_names vm
      ;;
    'volume adopt')
      options+=' --from'
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
    'volume delete' | 'volume rm')
      options+=' --foreign'
      [[ $cur == -* ]] || _sclctl_names volume
      ;;
    'volume prune')
      options+=''
      [[ $cur == -* ]] || COMPREPLY=()
      ;;
  esac
  [[ $cur == -* ]] && words=$options
  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o filenames -F _sclctl sclctl
